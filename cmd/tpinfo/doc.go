// Command tpinfo knows what every Linux tracepoint hands to a probe.
//
// One file holds one command. app.go has what they share: settings, output,
// the cache. Work is done by the packages extractor and cache; here it is
// asked for and shown.
package main
