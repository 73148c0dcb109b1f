package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ReadModel reads the weights of a model folder: [WeightsFile], or the shards
// that [IndexFile] names. The error is fs.ErrNotExist where the folder has
// neither; a shard that is missing is another error.
func ReadModel(dir string) (*File, error) {
	f, err := Read(filepath.Join(dir, WeightsFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	index, err := ReadIndex(filepath.Join(dir, IndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingWeights(dir)
	}
	if err != nil {
		return nil, err
	}
	return readShards(dir, index)
}

// Index tells in which shard each tensor lies, by [IndexFile].
type Index struct {
	WeightMap map[string]string `json:"weight_map"` // name of a tensor -> name of a file in the same folder
}

// ReadIndex reads an index. Its shards are checked to be plain file names, so
// that joined to a folder they stay inside.
func ReadIndex(path string) (*Index, error) {
	var index Index
	if err := ReadJSON(path, &index); err != nil {
		return nil, err
	}
	if len(index.WeightMap) == 0 {
		return nil, fmt.Errorf("%s: weight_map: found no tensors", path)
	}
	for _, tensor := range slices.Sorted(maps.Keys(index.WeightMap)) {
		shard := index.WeightMap[tensor]
		if !strings.HasSuffix(shard, ".safetensors") || strings.HasPrefix(shard, ".") || strings.ContainsAny(shard, "/\\:\x00") {
			return nil, fmt.Errorf("%s: weight_map: %q: found %q, want the name of a .safetensors file in the same folder", path, tensor, shard)
		}
	}
	return &index, nil
}

// Shards returns the names of the shards in alphabetical order.
func (x *Index) Shards() []string {
	return slices.Compact(slices.Sorted(maps.Values(x.WeightMap)))
}

// readShards reads all shards and holds them against the index: each tensor in
// the shard that the index says, and no other.
func readShards(dir string, index *Index) (*File, error) {
	all := &File{Tensors: make(map[string]Tensor, len(index.WeightMap)), Metadata: map[string]string{}}
	for _, shard := range index.Shards() {
		path := filepath.Join(dir, shard)
		f, err := Read(path)
		if errors.Is(err, fs.ErrNotExist) { // of a model that is there: not what missingWeights means
			return nil, fmt.Errorf("%s: no such file, want it as %s says", path, IndexFile)
		}
		if err != nil {
			return nil, err
		}
		for _, name := range f.Names() {
			if home := index.WeightMap[name]; home != shard {
				return nil, fmt.Errorf("%s: tensor %q: found here, want it in %q as %s says", path, name, home, IndexFile)
			}
			all.Tensors[name] = f.Tensors[name]
		}
		maps.Copy(all.Metadata, f.Metadata)
	}
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		if _, ok := all.Tensors[name]; !ok {
			return nil, fmt.Errorf("%s: tensor %q: not found, want it as %s says", filepath.Join(dir, index.WeightMap[name]), name, IndexFile)
		}
	}
	return all, nil
}

// missingWeights says what was looked for, and what there is instead. It is
// fs.ErrNotExist where there is nothing, not even a link whose target is gone.
func missingWeights(dir string) error {
	for _, name := range []string{WeightsFile, IndexFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s: found a link to a file that does not exist", filepath.Join(dir, name))
		}
	}
	found := ""
	if _, err := os.Stat(filepath.Join(dir, "pytorch_model.bin")); err == nil {
		found = "; found pytorch_model.bin, which has to be converted to safetensors first"
	}
	return fmt.Errorf("%s: found neither %s nor %s%s: %w", dir, WeightsFile, IndexFile, found, fs.ErrNotExist)
}
