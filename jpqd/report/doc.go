// Package report shows a run: TensorBoard event files while it trains, one
// self-contained HTML page when it is done.
package report
