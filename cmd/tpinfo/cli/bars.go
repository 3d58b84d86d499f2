package cli

import (
	"time"

	"github.com/vbauerster/mpb/v8"
)

// refresh is how often bars change.
const refresh = 80 * time.Millisecond

// Bars is where to draw bars: above the messages of a terminal. It is nil where
// those go elsewhere, or are not wanted. Whoever asks for it must wait for it.
func (a *App) Bars() *mpb.Progress {
	if a.Settings.Quiet || !IsTerminal(a.Err) {
		return nil
	}
	return mpb.New(mpb.WithOutput(a.Err), mpb.WithWidth(24), mpb.WithRefreshRate(refresh))
}
