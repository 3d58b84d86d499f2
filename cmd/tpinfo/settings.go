package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// settings come from flags, then TPINFO_… in the environment, then the
// configuration file.
type settings struct {
	cache, kernel  string
	format, output string
	verbose, quiet bool
	cc, btf        string
	jobs           int
	force          bool
	sources        []string // full source trees
	shard, report  string
	retry, dryRun  bool
	// queue is the address of a queue, with the files that let one in.
	queue, queueCreds, queueCA string
	idleExit                   time.Duration
	// kernels are those of commands that take several.
	kernels []string
	// sign and verify are files with keys.
	sign   string
	verify []string
	// plainHTTP says whether registries are spoken to without TLS; nil where
	// nobody said.
	plainHTTP *bool
	// perKernel has settings for single kernels, by release.
	perKernel map[string]kernelSettings
}

// kernelSettings are what the section "kernels" of the configuration may hold
// for a release.
type kernelSettings struct{ btf, cc, source string }

// delimiter joins the levels of a key. It is no dot, since releases have dots.
const delimiter = "::"

// fileKeys are the keys of the configuration file, beside "kernels".
var fileKeys = []string{"cache", "kernel", "format", "output", "verbose", "quiet", "cc", "btf", "jobs", "source", "shard", "report", "sign", "verify", "plain-http", "queue", "queue-creds", "queue-ca"}

// kernelKeys are those of a release under "kernels".
var kernelKeys = []string{"btf", "cc", "source"}

func (a *app) globalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.String("cache", "", "cache file (default: tpinfo/cache.db in the user's cache folder)")
	f.StringP("kernel", "k", "", "kernel: a release, a glob that matches one, or the start of an id")
	f.StringP("format", "f", "table", "what is printed: table, json or stap")
	f.StringP("output", "o", "", "write to a file instead of standard output")
	f.String("config", "", "configuration file (default: tpinfo/config.yaml in the user's configuration folder)")
	f.BoolP("verbose", "v", false, "say more")
	f.BoolP("quiet", "q", false, "say nothing but results and errors")
	must(root.RegisterFlagCompletionFunc("kernel", a.completeKernels))
	must(root.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json", "stap"}, cobra.ShellCompDirectiveNoFileComp)))
}

// oneKernel are the commands that answer for the kernel that -k chooses.
// Others have a -k of their own, or none.
var oneKernel = []string{"tpinfo list", "tpinfo show", "tpinfo type", "tpinfo verify", "tpinfo compile", "tpinfo run"}

// unheeded is the global -k of a command that would pass it over; nil where it
// does not.
func unheeded(cmd *cobra.Command) *pflag.Flag {
	if slices.Contains(oneKernel, cmd.CommandPath()) {
		return nil
	}
	return cmd.InheritedFlags().Lookup("kernel")
}

// heedsKernel refuses a -k that would be passed over.
func heedsKernel(cmd *cobra.Command) error {
	if f := unheeded(cmd); f != nil && f.Changed {
		return usageError{fmt.Errorf("%s takes no -k", cmd.Name())}
	}
	return nil
}

// heeded calls describe, which does not see a -k that cmd refuses.
func heeded(cmd *cobra.Command, describe func()) {
	if f := unheeded(cmd); f != nil {
		f.Hidden = true
		defer func() { f.Hidden = false }()
	}
	describe()
}

// must is for what can only fail by a mistake in this program.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// configure fills in the settings before a command runs.
func (a *app) configure(cmd *cobra.Command) error {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	if err := readConfig(v, cmd); err != nil {
		return err
	}
	v.SetEnvPrefix("tpinfo")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_", delimiter, "_"))
	v.AutomaticEnv()
	if err := v.BindPFlags(cmd.Flags()); err != nil {
		return err
	}
	a.settings = settings{
		cache: v.GetString("cache"), kernel: v.GetString("kernel"),
		format: v.GetString("format"), output: v.GetString("output"),
		verbose: v.GetBool("verbose"), quiet: v.GetBool("quiet"),
		cc: v.GetString("cc"), btf: v.GetString("btf"), jobs: v.GetInt("jobs"), force: v.GetBool("force"),
		sources: v.GetStringSlice("source"), shard: v.GetString("shard"), report: v.GetString("report"),
		retry: v.GetBool("retry"), dryRun: v.GetBool("dry-run"),
		queue: v.GetString("queue"), queueCreds: v.GetString("queue-creds"), queueCA: v.GetString("queue-ca"),
		idleExit: v.GetDuration("idle-exit"),
		kernels:  v.GetStringSlice("kernel"), sign: v.GetString("sign"), verify: v.GetStringSlice("verify"),
		perKernel: map[string]kernelSettings{},
	}
	if v.IsSet("plain-http") {
		plain := v.GetBool("plain-http")
		a.settings.plainHTTP = &plain
	}
	for release := range v.GetStringMap("kernels") {
		key := "kernels" + delimiter + release + delimiter
		a.settings.perKernel[release] = kernelSettings{btf: v.GetString(key + "btf"), cc: v.GetString(key + "cc"), source: v.GetString(key + "source")}
	}
	if a.settings.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return usageError{fmt.Errorf("no place for the cache: %w; give one with --cache", err)}
		}
		a.settings.cache = filepath.Join(dir, "tpinfo", "cache.db")
	}
	if v.IsSet("jobs") && a.settings.jobs < 1 {
		return usageError{fmt.Errorf("%v jobs: it takes one or more", v.Get("jobs"))}
	}
	if !slices.Contains([]string{"table", "json", "stap"}, a.settings.format) {
		return usageError{fmt.Errorf("format %q: it is table, json or stap", a.settings.format)}
	}
	if a.settings.format == "stap" && cmd.Name() != "list" {
		return usageError{fmt.Errorf("format stap is for 'tpinfo list'")}
	}
	a.style = newStyle(a.out, a.settings.output != "")
	return nil
}

// readConfig reads the configuration file: the one that --config or
// TPINFO_CONFIG names must be there, the user's own may.
func readConfig(v *viper.Viper, cmd *cobra.Command) error {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return err
	}
	if path == "" {
		path = os.Getenv("TPINFO_CONFIG")
	}
	named := path != ""
	if !named {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil // nowhere to look
		}
		path = filepath.Join(dir, "tpinfo", "config.yaml")
	}
	if _, err := os.Stat(path); !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		return nil
	}
	if err := checkReadable("configuration", path); err != nil {
		return usageError{err}
	}
	v.SetConfigFile(path)
	if err := v.ReadInConfig(); err != nil {
		return usageError{fmt.Errorf("configuration %s: %w", path, err)}
	}
	var unknown []string
	for _, key := range v.AllKeys() {
		if !knownKey(key) {
			unknown = append(unknown, strings.ReplaceAll(key, delimiter, " → "))
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return usageError{fmt.Errorf("configuration %s: unknown key %s; there are %s, and kernels with %s for a release",
			path, strings.Join(unknown, ", "), strings.Join(fileKeys, ", "), strings.Join(kernelKeys, ", "))}
	}
	return nil
}

func knownKey(key string) bool {
	parts := strings.Split(key, delimiter)
	if parts[0] == "kernels" {
		return len(parts) == 1 || len(parts) == 3 && slices.Contains(kernelKeys, parts[2])
	}
	return len(parts) == 1 && slices.Contains(fileKeys, key)
}

// forKernel returns a setting for a release: from the command line or the
// environment, or else from the release's own section.
func (s *settings) btfFor(release string) string {
	if s.btf != "" {
		return s.btf
	}
	return s.perKernel[strings.ToLower(release)].btf
}

func (s *settings) ccFor(release string) string {
	if own := s.perKernel[strings.ToLower(release)].cc; own != "" && s.cc == "" {
		return own
	}
	return s.cc
}

// sourcesFor are the source trees that may be a release's.
func (s *settings) sourcesFor(release string) []string {
	if own := s.perKernel[strings.ToLower(release)].source; own != "" && len(s.sources) == 0 {
		return []string{own}
	}
	return s.sources
}
