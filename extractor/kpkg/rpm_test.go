package kpkg

const (
	fedoraRelease = "6.1.99-300.fc40.x86_64"
	fedoraDir     = "./usr/src/kernels/6.1.99-300.fc40.x86_64/"
)

// fedoraDevel is laid out as Fedora's kernel-devel.
func fedoraDevel() rpm {
	files := append(plain(fedoraDir), configured(fedoraDir, fedoraRelease)...)
	files = append(files, file{name: "./lib/modules/" + fedoraRelease + "/build", link: "/usr/src/kernels/" + fedoraRelease})
	return rpm{
		name: "kernel-devel", version: "6.1.99", release: "300.fc40", arch: "x86_64",
		requires: [][2]string{{"findutils", ""}}, files: files, packing: ".zst",
	}
}
