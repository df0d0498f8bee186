/** Copies the spectra of a group's patches, one after the other. */
export function gatherGroup(spectra: Float32Array, starts: Int32Array, perPatch: number, group: Float64Array): void {
  for (let i = 0, to = 0; to < group.length; i++) {
    let at = starts[i]!;
    for (const end = at + perPatch; at < end; at++) group[to++] = spectra[at]!;
  }
}

/** Haar's transform across the patches of a group, in place: sums and differences of neighbours, then of the sums. */
export function haar(group: Float64Array, perPatch: number): void {
  for (let half = perPatch; half < group.length; half *= 2) butterflies(group, perPatch, half);
}

/** Undoes `haar`: the butterflies are their own inverses. */
export function inverseHaar(group: Float64Array, perPatch: number): void {
  for (let half = group.length / 2; half >= perPatch; half /= 2) butterflies(group, perPatch, half);
}

function butterflies(group: Float64Array, perPatch: number, half: number): void {
  for (let start = 0; start < group.length; start += 2 * half) {
    for (let a = start, b = start + half; a < start + perPatch; a++, b++) {
      const [x, y] = [group[a]!, group[b]!];
      group[a] = (x + y) * Math.SQRT1_2;
      group[b] = (x - y) * Math.SQRT1_2;
    }
  }
}
