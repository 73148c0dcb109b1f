package main

import (
	"fmt"
	"path/filepath"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// archives are the files of GLUE's data on its own server, and folders are the
// ones that its download script unpacks them to.
var (
	archives = map[string]string{
		"cola": "CoLA.zip", "mnli": "MNLI.zip", "qnli": "QNLIv2.zip", "qqp": "QQP-clean.zip",
		"rte": "RTE.zip", "sst2": "SST-2.zip", "stsb": "STS-B.zip", "wnli": "WNLI.zip",
	}
	folders = map[string]string{
		"cola": "CoLA", "mnli": "MNLI", "mrpc": "MRPC", "qnli": "QNLI", "qqp": "QQP",
		"rte": "RTE", "sst2": "SST-2", "stsb": "STS-B", "wnli": "WNLI",
	}
)

// checkTask finds the task and whether its data was named.
func (t *glueTask) checkTask() error {
	o := t.o
	if o.MaxSeqLength < 3 {
		return errShortSequences(o.MaxSeqLength)
	}
	if o.DatasetName != "" || o.DatasetConfigName != "" {
		return usageErrorf("--dataset_name %s: data sets are not downloaded; save it as .csv or .json and give --train_file and --validation_file", o.DatasetName)
	}
	if o.TaskName == "" {
		if o.DataDir != "" {
			return usageErrorf("--data_dir needs --task_name: it says how to read the folder")
		}
		if o.TrainFile == "" || o.ValidationFile == "" {
			return usageErrorf("need either a GLUE task (--task_name) or a training and a validation file (--train_file, --validation_file)")
		}
		task, err := tasks.InferTask(o.TrainFile)
		if err != nil {
			return fmt.Errorf("--train_file: %w", err)
		}
		t.glue = task
	} else {
		task, err := tasks.LookupGLUE(o.TaskName)
		if err != nil {
			return usageErrorf("--task_name: %w", err)
		}
		t.glue = task
		if dir := filepath.Join("glue_data", folders[task.Name]); o.DataDir == "" && isDir(dir) {
			o.DataDir = dir
		}
	}
	for _, s := range t.wantedSplits() {
		if t.fileOf(s) == "" && o.DataDir == "" {
			return t.noData(s)
		}
	}
	return nil
}

func errShortSequences(found int) error {
	return usageErrorf("--max_seq_length: found %d, want at least 3: [CLS], a token and [SEP]", found)
}

// noData tells where the data of a split can be had.
func (t *glueTask) noData(s tasks.Split) error {
	flag := fileFlag(s)
	if t.glue.Name == "" {
		return usageErrorf("--do_predict needs a test file: give --%s", flag)
	}
	from := "the task's archive from https://gluebenchmark.com/tasks"
	if archive, ok := archives[t.glue.Name]; ok {
		from = "https://dl.fbaipublicfiles.com/glue/data/" + archive
	}
	return usageErrorf("no %s data: GLUE is not downloaded; unpack %s into glue_data, or give its folder with --data_dir, or a file with --%s", s, from, flag)
}
