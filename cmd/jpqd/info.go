package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/kernels"
)

// machine is what `jpqd info` tells. Its JSON keys are those of --json.
type machine struct {
	Version    string     `json:"version"`
	Go         string     `json:"go"`
	Platform   string     `json:"platform"` // operating system and architecture
	CPU        string     `json:"cpu"`
	Cores      int        `json:"cores"`   // physical, 0 where unknown
	Threads    int        `json:"threads"` // logical CPUs this process may use
	GOMAXPROCS int        `json:"gomaxprocs"`
	ISA        string     `json:"isa"`                // level in use
	ISALimit   string     `json:"jpqd_isa,omitempty"` // the environment variable JPQD_ISA
	Higher     []isaLevel `json:"higher_levels"`      // levels above the one in use
	Kernels    []kernel   `json:"kernels"`            // the one in use of every operation
}

type isaLevel struct {
	ISA    string `json:"isa"`
	Reason string `json:"reason"` // why it is not in use
}

type kernel struct {
	Operation string `json:"operation"`
	Name      string `json:"name"`
	ISA       string `json:"isa"`
}

func newInfoCommand(c *console) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Show the version, the CPU and the kernels that are used on it",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			m := inspect()
			if !asJSON {
				return m.print(c)
			}
			enc := json.NewEncoder(c.out)
			enc.SetIndent("", "  ")
			return enc.Encode(m)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newVersionCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(c.out, "jpqd %s\n", version())
			return err
		},
	}
}

// version is the module's version as the build recorded it, with the revision
// where it was built from a checkout.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := build.Main.Version
	if text == "" {
		text = "(devel)"
	}
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; text == "(devel)" && len(revision) >= 12 {
		text += " " + revision[:12]
		if settings["vcs.modified"] == "true" {
			text += "+dirty"
		}
	}
	return text
}

func inspect() machine {
	m := machine{
		Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: cpuid.CPU.BrandName, Cores: cpuid.CPU.PhysicalCores, Threads: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		ISA: kernels.Level().String(), ISALimit: os.Getenv("JPQD_ISA"),
	}
	for isa := kernels.Level() + 1; isa <= kernels.AMX; isa++ {
		reason := kernels.Missing(isa)
		if reason == "" {
			reason = "JPQD_ISA=" + m.ISALimit
		}
		m.Higher = append(m.Higher, isaLevel{isa.String(), reason})
	}
	for _, k := range kernels.Registry() {
		if selected := kernels.Selected(k.Op); selected == k {
			m.Kernels = append(m.Kernels, kernel{k.Op, k.Name, k.ISA.String()})
		}
	}
	return m
}

func (m *machine) print(c *console) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "version\t%s\n", m.Version)
	fmt.Fprintf(w, "Go\t%s %s\n", m.Go, m.Platform)
	fmt.Fprintf(w, "CPU\t%s\n", m.CPU)
	fmt.Fprintf(w, "cores\t%d physical, %d logical, GOMAXPROCS %d\n", m.Cores, m.Threads, m.GOMAXPROCS)
	fmt.Fprintf(w, "instruction set\t%s\n", m.ISA)
	if m.ISALimit != "" {
		fmt.Fprintf(w, "JPQD_ISA\t%s\n", m.ISALimit)
	}
	for _, level := range m.Higher {
		fmt.Fprintf(w, "not %s\t%s\n", level.ISA, level.Reason)
	}
	for _, k := range m.Kernels {
		fmt.Fprintf(w, "%s\t%s\n", k.Operation, k.Name)
	}
	return w.Flush()
}
