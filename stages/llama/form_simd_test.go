//go:build goexperiment.simd && amd64

package llama

import "simd/archsimd"

func init() {
	if archsimd.X86.AVX2() {
		forms = append(forms, form{"256 bits", multiply256, exponentials256, moments256, swiglu256})
	}
	if archsimd.X86.AVX512() {
		forms = append(forms, form{"512 bits", multiply512, exponentials512, moments512, swiglu512})
	}
}
