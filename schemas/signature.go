package schemas

// Signature is a row of signatures: a corpus document's MinHash signature. A document without words has none.
type Signature struct {
	RunID       string `parquet:"run_id" doc:"name of the run"`
	DocumentID  string `parquet:"document_id" doc:"id of the document, or object#row without ids"`
	DocumentURI string `parquet:"document_uri" doc:"object the document stands in"`
	DocumentRow int64  `parquet:"document_row" doc:"row of that object, from 0"`
	Profile     string `parquet:"profile" doc:"library and permutations whose bits the signature has: hash.minhash; only signatures of one profile compare"`
	Shingles    int64  `parquet:"shingles" doc:"distinct 5-word shingles of the document; one of fewer than 5 words has a single shingle, all of them"`
	Signature   string `parquet:"signature" doc:"the values in hexadecimal, each with the same number of digits (datasketch 8, datatrove 16), the most significant first"`
	Bands       int64  `parquet:"bands" doc:"bands of the signature, at its start; documents that agree in one are candidates for near-duplicates"`
	BandDigits  int64  `parquet:"band_digits" doc:"digits of a band: band k, from 0, is substr(signature, 1 + k * band_digits, band_digits)"`
}

// Signatures is the table that hash.minhash asks for.
var Signatures = define[Signature]("signatures", "a corpus document with words", "document_id", "document_uri", "document_row")
