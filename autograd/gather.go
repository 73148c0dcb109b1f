package autograd

// Gather takes rows of a table: y[i] = table[ids[i]]. It serves embeddings and
// the picking of single tokens. ids must stay unchanged until the step ends.
//
//	table (n, cols) → y (len(ids), cols)
func (t *Tape) Gather(table *Tensor, ids []int32) *Tensor {
	y := t.New(len(ids), table.Cols, table)
	for i, id := range ids {
		copy(y.Row(i), table.Row(int(id)))
	}
	return t.record(y, node{backward: gatherBackward, in: [3]*Tensor{table}, ids: ids})
}

// dtable[ids[i]] += dy[i], in the order of i
func gatherBackward(_ *Tape, n *node) {
	table, cols := n.in[0], n.out.Cols
	if table.rows != nil {
		for i, id := range n.ids {
			table.rows.add(int(id), n.out.Grad[i*cols:(i+1)*cols])
		}
		return
	}
	grad := table.Gradient()
	for i, id := range n.ids {
		dst := grad[int(id)*cols : (int(id)+1)*cols]
		for j, g := range n.out.Grad[i*cols : (i+1)*cols] {
			dst[j] += g
		}
	}
}
