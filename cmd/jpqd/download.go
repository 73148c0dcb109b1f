package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// download shows on a terminal how much of a file has arrived.
type download struct {
	console *console
	file    string
	bar     *progressbar.ProgressBar
}

func newDownload(c *console) *download { return &download{console: c} }

// show is the hub client's Progress; done and total count bytes.
func (d *download) show(file string, done, total int64) {
	if d.bar == nil || d.file != file {
		d.console.close() // of the file before
		d.file = file
		d.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(d.console.err),
			progressbar.OptionSetDescription(file),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth(),
			progressbar.OptionShowBytes(true),
		)
		d.console.setStatus(d.bar)
	}
	d.console.draw(func() { d.bar.Set64(done) }) // a terminal that cannot be written to shows nothing
}
