package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cast"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
)

// Settings come from flags, then TPINFO_… in the environment, then the
// configuration file.
type Settings struct {
	Cache  string // the cache's file
	Kernel string // what -k says; empty for the running kernel, or the only one
	Format string // table, json or stap
	Output string // file that is written to; empty or "-" for standard output

	Verbose, Quiet bool

	CC, BTF string // a compiler, and a file with BTF; CCFor and BTFFor are a release's
	Jobs    int    // 0 for one a core
	Force   bool
	Sources []string // full source trees; SourcesFor are a release's
	Shard   string   // as fleet.ParseShard takes it
	Report  string   // file to write a report to

	Retry, DryRun bool

	// Queue is the address of a queue, with the files that let one in.
	Queue, QueueCreds, QueueCA string
	// IdleExit is after how long without work a worker ends; 0 for never.
	IdleExit time.Duration
	// Kernels are those of commands that take several.
	Kernels []string
	// Sign and Verify are files with keys.
	Sign   string
	Verify []string
	// StringSize, MapEntries and AllowSystem are for scripts, as compiler.Options
	// has them.
	StringSize, MapEntries int
	AllowSystem            bool
	// RingSize is of the buffer that a script prints to, in bytes; 0 for what
	// its object says.
	RingSize int
	// PlainHTTP says whether registries are spoken to without TLS; nil where
	// nobody said.
	PlainHTTP *bool
	// perKernel has settings for single kernels, by release.
	perKernel map[string]kernelSettings
}

// kernelSettings are what the section "kernels" of the configuration may hold
// for a release.
type kernelSettings struct{ btf, cc, source string }

// delimiter joins the levels of a key. It is no dot, since releases have dots.
const delimiter = "::"

// fileKeys are the keys of the configuration file, beside "kernels".
var fileKeys = []string{"cache", "kernel", "format", "output", "verbose", "quiet", "cc", "btf", "jobs", "source", "shard", "report", "sign", "verify", "plain-http", "queue", "queue-creds", "queue-ca", "string-size", "map-entries", "allow-system", "ring-size"}

// Of the keys, those that are not texts.
var (
	switchKeys = []string{"verbose", "quiet", "plain-http", "allow-system"}
	numberKeys = []string{"jobs", "string-size", "map-entries", "ring-size"}
	listKeys   = []string{"source", "verify"}
)

// kernelKeys are those of a release under "kernels".
var kernelKeys = []string{"btf", "cc", "source"}

// GlobalFlags gives the root command the flags of all commands.
func (a *App) GlobalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.String("cache", "", "cache file (default: tpinfo/cache.db in the user's cache folder)")
	f.StringP("kernel", "k", "", "kernel: a release, a glob that matches one, or the start of an id")
	f.StringP("format", "f", "table", "what is printed: table, json or stap")
	f.StringP("output", "o", "", "write to a file instead of standard output")
	f.String("config", "", "configuration file (default: tpinfo/config.yaml in the user's configuration folder)")
	f.BoolP("verbose", "v", false, "say more")
	f.BoolP("quiet", "q", false, "say nothing but results and errors")
	Must(root.RegisterFlagCompletionFunc("kernel", a.CompleteKernels))
	Must(root.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json", "stap"}, cobra.ShellCompDirectiveNoFileComp)))
}

// Configure fills in the settings before a command runs.
func (a *App) Configure(cmd *cobra.Command) error {
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
	if err := checkValues(v); err != nil {
		return err
	}
	a.Settings = Settings{
		Cache: v.GetString("cache"), Kernel: v.GetString("kernel"),
		Format: v.GetString("format"), Output: v.GetString("output"),
		Verbose: v.GetBool("verbose"), Quiet: v.GetBool("quiet"),
		CC: v.GetString("cc"), BTF: v.GetString("btf"), Jobs: v.GetInt("jobs"), Force: v.GetBool("force"),
		Sources: v.GetStringSlice("source"), Shard: v.GetString("shard"), Report: v.GetString("report"),
		Retry: v.GetBool("retry"), DryRun: v.GetBool("dry-run"),
		Queue: v.GetString("queue"), QueueCreds: v.GetString("queue-creds"), QueueCA: v.GetString("queue-ca"),
		IdleExit: v.GetDuration("idle-exit"),
		Kernels:  v.GetStringSlice("kernel"), Sign: v.GetString("sign"), Verify: v.GetStringSlice("verify"),
		StringSize: v.GetInt("string-size"), MapEntries: v.GetInt("map-entries"), AllowSystem: v.GetBool("allow-system"),
		RingSize:  v.GetInt("ring-size"),
		perKernel: map[string]kernelSettings{},
	}
	if v.IsSet("plain-http") {
		plain := v.GetBool("plain-http")
		a.Settings.PlainHTTP = &plain
	}
	sections, err := cast.ToStringMapE(v.Get("kernels"))
	if v.IsSet("kernels") && err != nil {
		return Usagef("kernels: %v: it takes releases, and below each %s", v.Get("kernels"), strings.Join(kernelKeys, ", "))
	}
	for release := range sections {
		key := "kernels" + delimiter + release + delimiter
		a.Settings.perKernel[release] = kernelSettings{btf: v.GetString(key + "btf"), cc: v.GetString(key + "cc"), source: v.GetString(key + "source")}
	}
	if a.Settings.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return Usagef("no place for the cache: %w; give one with --cache", err)
		}
		a.Settings.Cache = filepath.Join(dir, "tpinfo", "cache.db")
	}
	if v.IsSet("jobs") && a.Settings.Jobs < 1 {
		return Usagef("%v jobs: it takes one or more", v.Get("jobs"))
	}
	if !slices.Contains([]string{"table", "json", "stap"}, a.Settings.Format) {
		return Usagef("format %q: it is table, json or stap", a.Settings.Format)
	}
	if a.Settings.Format == "stap" && cmd.Name() != "list" {
		return Usagef("format stap is for 'tpinfo list'")
	}
	a.Style = newStyle(a.Out, !a.ToStandardOutput())
	return nil
}

// checkValues refuses what the environment and the configuration file cannot mean;
// of flags the parser did.
func checkValues(v *viper.Viper) error {
	for _, key := range fileKeys {
		if !v.IsSet(key) {
			continue
		}
		value := v.Get(key)
		var err error
		wants := "a text"
		switch {
		case slices.Contains(switchKeys, key):
			wants = "true or false"
			_, err = cast.ToBoolE(value)
		case slices.Contains(numberKeys, key):
			wants = "a number"
			_, err = cast.ToIntE(value)
		case slices.Contains(listKeys, key):
			wants = "a list of texts"
			_, err = cast.ToStringSliceE(value)
		default:
			_, err = cast.ToStringE(value)
			if _, several := value.([]string); several && key == "kernel" {
				err = nil // the flag of commands that take several
			}
		}
		if err != nil {
			if variable := "TPINFO_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_")); os.Getenv(variable) != "" {
				key = variable
			}
			return Usagef("%s: %v: it takes %s", key, value, wants)
		}
	}
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
	if err := CheckReadable("configuration", path); err != nil {
		return Usage(err)
	}
	v.SetConfigFile(path)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil {
		return Usagef("configuration %s: %w", path, err)
	}
	var unknown []string
	for _, key := range v.AllKeys() {
		if !knownKey(key) {
			unknown = append(unknown, strings.ReplaceAll(key, delimiter, " → "))
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return Usagef("configuration %s: unknown key %s; there are %s, and kernels with %s for a release",
			path, strings.Join(unknown, ", "), strings.Join(fileKeys, ", "), strings.Join(kernelKeys, ", "))
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

// BTFFor is the BTF for a release: of the command line or the environment, or
// else of the release's own section.
func (s *Settings) BTFFor(release string) string {
	if s.BTF != "" {
		return s.BTF
	}
	return s.perKernel[strings.ToLower(release)].btf
}

// CCFor is the compiler for a release, found as the BTF is.
func (s *Settings) CCFor(release string) string {
	if own := s.perKernel[strings.ToLower(release)].cc; own != "" && s.CC == "" {
		return own
	}
	return s.CC
}

// SourcesFor are the source trees that may be a release's.
func (s *Settings) SourcesFor(release string) []string {
	if own := s.perKernel[strings.ToLower(release)].source; own != "" && len(s.Sources) == 0 {
		return []string{own}
	}
	return s.Sources
}
