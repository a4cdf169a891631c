//go:build !llamacpp

package llamacpp

import (
	"context"
	"errors"

	"palimpsest/stages/model"
)

// Open says that this program holds no such engine.
func Open(context.Context, Options) (model.Engine, error) {
	return nil, errors.New("llamacpp: this program was built without it; build it with -tags llamacpp. " + remedy)
}
