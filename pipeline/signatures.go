package pipeline

import (
	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/minhash"
	"palimpsest/stages/write"
)

// signatures makes one worker's rows of signatures, a row group after the other. Nil makes none.
type signatures struct {
	profile minhash.Profile
	signer  *minhash.Signer
	rows    *write.Batch[schemas.Signature]
	hex     []byte
}

func newSignatures(profile string) *signatures {
	p, _ := minhash.Lookup(profile)
	return &signatures{profile: p, signer: minhash.NewSigner(p)}
}

// begin starts a row group, whose rows go to that table.
func (s *signatures) begin(table *write.Spool[schemas.Signature]) {
	if s != nil {
		s.rows = table.Batch()
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

// commit puts the rows of the row group into the table. Without it they are lost: the row group was not whole.
func (s *signatures) commit() error {
	if s == nil {
		return nil
	}
	return s.rows.Commit()
}
