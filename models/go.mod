// A module of its own, so that who imports the packages does not download models.
module github.com/go-jpqd/jpqd/models

go 1.26.0
