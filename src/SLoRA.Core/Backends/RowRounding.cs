namespace SLoRA.Backends;

/// <summary>Makes of a stored row of a weight, in fp32, what a backend multiplies with.</summary>
/// <param name="row">A whole row; replaced.</param>
internal delegate void RowRounding(Span<float> row);
