package minhash

// Profile is a named way to compute signatures.
type Profile struct {
	Name string
	Bits int // of a value: 32 or 64

	// Bands and Rows cut a signature for candidates: documents that agree in all Rows values of one of Bands bands. They are the
	// library's own: datatrove's defaults, and datasketch's MinHashLSH(threshold=0.8, num_perm=128), which leaves values over.
	Bands, Rows int

	values       int
	hash         hashing
	affine       bool
	permutations func(n int) (a, b []uint64)
}

var profiles = []Profile{
	{Name: "datasketch-128", Bits: 32, Bands: 9, Rows: 13, values: 128, hash: sha1Hash, affine: true, permutations: affinePermutations},
	{Name: "datasketch-legacy-128", Bits: 32, Bands: 9, Rows: 13, values: 128, hash: sha1Hash, permutations: pairedPermutations},
	{Name: "datatrove", Bits: 64, Bands: 14, Rows: 8, values: 14 * 8, hash: xxHash, permutations: listedPermutations},
}

// Names returns the names of the profiles.
func Names() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	return names
}

// Lookup returns the profile of that name.
func Lookup(name string) (Profile, bool) {
	for _, p := range profiles {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// Values returns the number of values of a signature.
func (p Profile) Values() int { return p.values }

// BandDigits returns the number of hexadecimal digits of a band.
func (p Profile) BandDigits() int { return p.Rows * p.Bits / 4 }

// mask covers the bits of a value.
func (p Profile) mask() uint64 { return ^uint64(0) >> (64 - p.Bits) }
