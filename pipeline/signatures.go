package pipeline

import (
	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/minhash"
	"palimpsest/stages/write"
)

// openSignatures starts the table signatures; it returns nil when the configuration asks for none.
func (e *execution) openSignatures() (*write.Spool[schemas.Signature], error) {
	if h := e.plan.Config.Hash; h == nil || h.MinHash == "" {
		return nil, nil
	}
	return write.OpenSpool(e.dir, schemas.Signatures)
}

// signatures makes one worker's rows of signatures, a row group after the other. Nil makes none.
type signatures struct {
	profile minhash.Profile
	signer  *minhash.Signer
	rows    *write.Batch[schemas.Signature]
	hex     []byte
}

func newSignatures(profile string, table *write.Spool[schemas.Signature]) *signatures {
	p, _ := minhash.Lookup(profile)
	return &signatures{profile: p, signer: minhash.NewSigner(p), rows: table.Batch()}
}

// begin forgets what a row group before has left, if it was not whole.
func (s *signatures) begin() {
	if s != nil {
		s.rows.Reset()
	}
}

// add signs a document. One without words has no signature and no row.
func (s *signatures) add(d *fold.Document) error {
	if s == nil {
		return nil
	}
	signature, shingles := s.signer.Sign(d.Stream)
	if signature == nil {
		return nil
	}
	s.hex = s.profile.AppendHex(s.hex[:0], signature)
	ref := d.Ref()
	return s.rows.Write(&schemas.Signature{
		DocumentID: ref.ID, DocumentURI: ref.URI, DocumentRow: ref.Row,
		Profile: s.profile.Name, Shingles: shingles, Signature: string(s.hex),
		Bands: int64(s.profile.Bands), BandDigits: int64(s.profile.BandDigits()),
	})
}

// commit puts the rows of the row group into the table.
func (s *signatures) commit() error {
	if s == nil {
		return nil
	}
	return s.rows.Commit()
}
