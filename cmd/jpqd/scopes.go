package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/hub"
	"github.com/go-jpqd/jpqd/jpqd/report"
)

// scopesOptions are the flags of `jpqd scopes`.
type scopesOptions struct {
	config, revision, cacheDir, filter string
	answering, all, asJSON             bool
}

func newScopesCommand(c *console) *cobra.Command {
	o := &scopesOptions{}
	cmd := &cobra.Command{
		Use:   "scopes MODEL",
		Short: "Show what the scopes of an NNCF configuration match in a model",
		Long: `Print every node of a model's graph in the order of execution, with the name that
scopes are compared with, what each section of the configuration makes of it and
by which scope, the granularity of its importance scores, its structured group,
and the quantizers of its weight and inputs. Scopes that match no node are
listed with the nodes that come nearest.

MODEL is a folder with config.json, the output folder of a run, or a name of the
Hugging Face hub; weights are not needed.`,
		Example: `  jpqd scopes bert-base-uncased --nncf_compression_config configs/bert-base-jpqd-sst2.json
  jpqd scopes jpqd-sst2 --filter 'BertLayer\[3\].*linear_0'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("found %d arguments, want one: a model's folder or name", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runScopes(cmd.Context(), c, o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "nncf_compression_config", "", "`file` of the configuration (default: nncf_config.json of the folder)")
	f.StringVar(&o.filter, "filter", "", "print only nodes whose names match this `regexp`")
	f.BoolVar(&o.answering, "question_answering", false, "the model with the head of question answering")
	f.BoolVar(&o.all, "all", false, "print every layer, also those that are alike")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	f.StringVar(&o.revision, "model_revision", "main", "`revision` of a model of the hub")
	f.StringVar(&o.cacheDir, "cache_dir", "", "`folder` of the cache of the hub's models")
	return cmd
}

func runScopes(ctx context.Context, c *console, o *scopesOptions, model string) error {
	filter, err := regexp.Compile(o.filter)
	if err != nil {
		return usageErrorf("--filter: %w", err)
	}
	dir, err := modelFolder(ctx, c, o, model)
	if err != nil {
		return err
	}
	config, err := bert.LoadConfig(dir)
	if err != nil {
		return err
	}
	if o.answering {
		config.Architecture = strings.Replace(config.Architecture, "ForSequenceClassification", "ForQuestionAnswering", 1)
		config.Labels, config.ProblemType = []string{"LABEL_0", "LABEL_1"}, "" // a start and an end
	}
	path := o.config
	if path == "" {
		path = filepath.Join(dir, jpqd.NNCFConfigFile)
	}
	nncf, err := jpqd.LoadNNCFConfig(path)
	if errors.Is(err, fs.ErrNotExist) && o.config == "" {
		return usageErrorf("--nncf_compression_config: found none, want a file: %s has no %s", dir, jpqd.NNCFConfigFile)
	}
	if err != nil {
		return err
	}
	nodes, scopeErr := jpqd.InspectScopes(config, nncf)
	if len(nodes) == 0 {
		return scopeErr
	}
	s := &scopesReport{Architecture: config.Architecture, Configuration: path, Unmatched: unmatchedScopes(nncf, nodes)}
	if scopeErr != nil {
		s.Errors = strings.Split(scopeErr.Error(), "\n")
	}
	for _, n := range nodes {
		if filter.MatchString(n.Name) {
			s.Nodes = append(s.Nodes, newScopeNode(n))
		}
	}
	if o.asJSON {
		enc := json.NewEncoder(c.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(s)
	} else {
		err = s.print(c, nncf, o.all)
	}
	return errors.Join(err, scopeErr)
}

// modelFolder finds the folder with a model's config.json: that of a run which
// is not done is the last checkpoint's.
func modelFolder(ctx context.Context, c *console, o *scopesOptions, name string) (string, error) {
	switch info, err := os.Stat(name); {
	case err == nil && !info.IsDir():
		return "", fmt.Errorf("%s is a file, want the folder that holds the model's config.json", name)
	case err == nil:
		if _, err := os.Stat(filepath.Join(name, "config.json")); err == nil {
			return name, nil
		}
		newest, err := report.Newest(name)
		if newest == "" || err != nil {
			return name, err
		}
		return newest, nil
	}
	client := hub.NewClient()
	client.Log = c.log
	if o.cacheDir != "" {
		client.CacheDir = o.cacheDir
	}
	dir, err := client.ResolveConfig(ctx, name, o.revision)
	if err != nil && ctx.Err() == nil {
		return "", fmt.Errorf("%w (and there is no folder %q)", err, name)
	}
	return dir, err
}
