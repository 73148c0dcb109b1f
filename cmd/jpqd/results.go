package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// printMetrics writes metrics as transformers' log_metrics does:
//
//	***** eval metrics *****
//	  eval_accuracy =     0.9163
//	  eval_runtime  = 0:00:05.12
func printMetrics(w io.Writer, split string, metrics map[string]float64) error {
	keys := slices.Sorted(maps.Keys(metrics))
	keyWidth, valueWidth := 0, 0
	for _, key := range keys {
		keyWidth = max(keyWidth, len(key))
		valueWidth = max(valueWidth, len(formatMetric(key, metrics[key])))
	}
	var table bytes.Buffer
	fmt.Fprintf(&table, "***** %s metrics *****\n", split)
	for _, key := range keys {
		fmt.Fprintf(&table, "  %-*s = %*s\n", keyWidth, key, valueWidth, formatMetric(key, metrics[key]))
	}
	_, err := w.Write(table.Bytes())
	return err
}

// formatMetric writes times as h:mm:ss.hh, counts as integers and all else
// rounded to four places with at least one.
func formatMetric(key string, v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "inf"
	case math.IsNaN(v) || math.IsInf(v, 0):
		return strconv.FormatFloat(v, 'f', -1, 64)
	case strings.HasSuffix(strings.TrimSuffix(key, "_mm"), "_runtime"):
		hundredths := int64(v * 100)
		seconds := hundredths / 100
		return fmt.Sprintf("%d:%02d:%02d.%02d", seconds/3600, seconds/60%60, seconds%60, hundredths%100)
	case strings.HasSuffix(strings.TrimSuffix(key, "_mm"), "_samples"), strings.HasSuffix(key, "_total"):
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	text := strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// saveMetrics writes dir/<split>_results.json and adds the metrics to
// dir/all_results.json. Only a perplexity may be infinite, which is "inf" there.
func saveMetrics(dir, split string, metrics map[string]float64) error {
	values := map[string]any{}
	for key, v := range metrics {
		values[key] = v
		switch {
		case key == perplexity && math.IsInf(v, 1):
			values[key] = formatMetric(key, v)
		case math.IsNaN(v) || math.IsInf(v, 0):
			return fmt.Errorf("%s is %v: training diverged; try a lower --learning_rate", key, v)
		}
	}
	if err := checkpoint.WriteJSON(filepath.Join(dir, split+"_results.json"), values); err != nil {
		return err
	}
	all := map[string]any{}
	path := filepath.Join(dir, "all_results.json")
	if err := checkpoint.ReadJSON(path, &all); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	maps.Copy(all, values)
	return checkpoint.WriteJSON(path, all)
}
