package hub

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

const configFile = "config.json"

// optionalFiles are fetched where the repository has them: model families
// without WordPiece have no vocab.txt, and old models no tokenizer_config.json.
var optionalFiles = []string{"vocab.txt", "tokenizer_config.json"}

// repository is a model's place in the cache.
type repository struct{ cache, name string }

func (r repository) folder() string { return "models--" + strings.ReplaceAll(r.name, "/", "--") }

func (r repository) dir() string { return filepath.Join(r.cache, r.folder()) }

func (r repository) blob(etag string) string { return filepath.Join(r.dir(), "blobs", etag) }

func (r repository) snapshot(commit string) string {
	return filepath.Join(r.dir(), "snapshots", commit)
}

func (r repository) ref(revision string) string {
	return filepath.Join(r.dir(), "refs", filepath.FromSlash(revision))
}

func (r repository) absentMark(commit, file string) string {
	return filepath.Join(r.dir(), ".no_exist", commit, file)
}

func (r repository) lock(etag string) string {
	return filepath.Join(r.cache, ".locks", r.folder(), etag+".lock")
}

// snapshot is what the cache knows of a model at one revision.
type snapshot struct {
	dir     string   // where files were looked for
	missing []string // files without which the model cannot be used
	unknown []string // optional files of which it is not known whether the repository has them
}

// lookUp finds the snapshot of a revision.
func (r repository) lookUp(revision string) snapshot {
	commit := revision
	if !commitForm.MatchString(revision) {
		text, err := os.ReadFile(r.ref(revision))
		commit = strings.TrimSpace(string(text))
		if err != nil || !commitForm.MatchString(commit) {
			return snapshot{dir: r.dir(), missing: []string{"refs/" + revision}}
		}
	}
	s := snapshot{dir: r.snapshot(commit)}
	if !isFile(filepath.Join(s.dir, configFile)) {
		s.missing = append(s.missing, configFile)
	}
	s.missing = append(s.missing, missingWeights(s.dir)...)
	for _, file := range optionalFiles {
		if !isFile(filepath.Join(s.dir, file)) && !isFile(r.absentMark(commit, file)) {
			s.unknown = append(s.unknown, file)
		}
	}
	return s
}

// missingWeights lists the files that the weights in dir lack.
func missingWeights(dir string) []string {
	if isFile(filepath.Join(dir, checkpoint.WeightsFile)) {
		return nil
	}
	index, err := checkpoint.ReadIndex(filepath.Join(dir, checkpoint.IndexFile))
	if err != nil {
		return []string{checkpoint.WeightsFile}
	}
	var missing []string
	for _, shard := range index.Shards() {
		if !isFile(filepath.Join(dir, shard)) {
			missing = append(missing, shard)
		}
	}
	return missing
}

// isFile tells whether path leads, through symbolic links, to a regular file.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// link makes file of a snapshot a symbolic link to a blob.
func (r repository) link(commit, file, etag string) error {
	path := filepath.Join(r.snapshot(commit), file)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return renameio.Symlink(filepath.Join("..", "..", "blobs", etag), path)
}

// markAbsent notes that a commit has no such file.
func (r repository) markAbsent(commit, file string) error {
	path := r.absentMark(commit, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o666)
}

// writeRef notes the commit of a branch or tag. A commit has no reference.
func (r repository) writeRef(revision, commit string) error {
	if revision == commit {
		return nil
	}
	path := r.ref(revision)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return renameio.WriteFile(path, []byte(commit), 0o666, renameio.WithTempDir(filepath.Dir(path)))
}
