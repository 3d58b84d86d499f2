package tpinfo

import "testing"

func TestParseRelease(t *testing.T) {
	for _, test := range []struct{ name, series, version, flavour string }{
		{"6.1.0-56-cloud-amd64", "6.1", "6.1.0-56", "cloud-amd64"},
		{"5.10.0-0.deb10.16-rt-amd64", "5.10", "5.10.0-0.deb10.16", "rt-amd64"},
		{"7.3.4+deb13-arm64", "7.3", "7.3.4+deb13", "arm64"},
		{"6.12.118+deb13-arm64-16k", "6.12", "6.12.118+deb13", "arm64-16k"},
		{"6.9.7+bpo-amd64", "6.9", "6.9.7+bpo", "amd64"},
		{"5.15.0-91-generic", "5.15", "5.15.0-91", "generic"},
		{"5.14.0-362.8.1.el9_3.x86_64", "5.14", "5.14.0-362.8.1.el9_3", "x86_64"},
		{"5.14.0-362.8.1.el9_3.x86_64+rt", "5.14", "5.14.0-362.8.1.el9_3", "x86_64+rt"},
		{"6.1.0-50-686", "6.1", "6.1.0-50", "686"},
		{"6.1.0-50-rt-686-pae", "6.1", "6.1.0-50", "rt-686-pae"},
		{"6.12.107+deb13-powerpc64le-64k", "6.12", "6.12.107+deb13", "powerpc64le-64k"},
		{"6.6.8-200.fc39.x86_64", "6.6", "6.6.8-200.fc39", "x86_64"},
		{"6.6.8-arch1-1", "6.6", "6.6.8-arch1-1", ""},
		{"6.6.8-rc1", "6.6", "6.6.8-rc1", ""},
		{"6.6.8", "6.6", "6.6.8", ""},
		{"next-20240101", "next-20240101", "next-20240101", ""},
		{"-amd64", "-amd64", "-amd64", ""},
		{"", "", "", ""},
	} {
		want := Release{Series: test.series, Version: test.version, Flavour: test.flavour}
		if got := ParseRelease(test.name); got != want {
			t.Errorf("ParseRelease(%q) = %+v, want %+v", test.name, got, want)
		}
	}
}

func TestReleaseOrder(t *testing.T) {
	inOrder := []string{"4.19.0", "5.10.0-9-amd64", "5.10.0-46-amd64", "6.1.0-55-amd64", "6.1.0-56-amd64", "6.12.1", "7.3.4+deb13-amd64", "7.3.4+deb14-amd64"}
	for i, a := range inOrder {
		for j, b := range inOrder {
			got := CompareReleases(a, b)
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s against %s: %d", a, b, got)
			}
		}
	}
}

// The order holds for every two, in both directions, and through a third.
func TestReleaseOrderIsTotal(t *testing.T) {
	releases := []string{
		"", "6", "6.1", "6.1-rc1", "6.1.0", "6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-10-arm64", "6.01", "6.1.0-cloud", "6.10", "6.9",
		"99999999999999999999.1", "99999999999999999998.1", "amd64", "v6.1",
	}
	for _, a := range releases {
		for _, b := range releases {
			ab := CompareReleases(a, b)
			if ba := CompareReleases(b, a); ab != -ba {
				t.Errorf("%q against %q is %d, and the other way %d", a, b, ab, ba)
			}
			if (ab == 0) != (a == b) {
				t.Errorf("%q against %q is %d", a, b, ab)
			}
			for _, c := range releases {
				if ab <= 0 && CompareReleases(b, c) <= 0 && CompareReleases(a, c) > 0 {
					t.Errorf("%q, %q, %q go round in a circle", a, b, c)
				}
			}
		}
	}
	for _, test := range []struct{ before, after string }{
		{"6.9", "6.10"}, {"6.1-rc1", "6.1.0"}, {"5.19.17", "6.0.1"}, {"6.1", "6.1.1"},
		{"6.1.0-9-amd64", "6.1.0-10-amd64"}, {"6.1.0-9-amd64", "6.1.0-9-arm64"},
	} {
		if CompareReleases(test.before, test.after) >= 0 {
			t.Errorf("%s does not come before %s", test.before, test.after)
		}
	}
}
