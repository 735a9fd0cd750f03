using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// Inputs of their own for every layer, made of a token's embedding before the first: <c>P = (norm(W x₀ / √D) + √p · E[token]) / √2</c>
/// <c>[T, layers · p]</c>, the norm over each layer's p columns.
/// </summary>
/// <param name="Layers">Layers.</param>
/// <param name="Width">Columns of one layer, p.</param>
/// <param name="HiddenSize">Width of the residual stream, D.</param>
/// <param name="Entries">Rows of the table.</param>
/// <param name="Epsilon">What the norm adds to the mean square.</param>
internal sealed record PerLayerInputs(int Layers, int Width, int HiddenSize, int Entries, float Epsilon)
{
    /// <summary>The table E; names are those behind the decoder's <see cref="DecoderDescription.Body"/>.</summary>
    public EmbeddingModule Table => new("embed_tokens_per_layer", Entries, Layers * Width);

    /// <summary>The projection W.</summary>
    public LinearModule Projection => new("per_layer_model_projection", Layers * Width, HiddenSize);

    /// <summary>The norm.</summary>
    public NormModule Norm => new("per_layer_projection_norm", Width, Epsilon);
}

/// <summary>The same on a device.</summary>
/// <param name="inputs">What they are.</param>
/// <param name="table">E.</param>
/// <param name="target">Target index of E.</param>
/// <param name="projection">W.</param>
/// <param name="norm">Weight of the norm.</param>
/// <param name="looked">Rows for what is looked up.</param>
/// <param name="rows">Rows of P.</param>
internal sealed class LoadedPerLayerInputs(
    PerLayerInputs inputs, DeviceTable table, int target, LinearGroup projection, DeviceVector norm, DeviceRows looked, DeviceRows rows)
{
    /// <summary>P of the current step, <c>[T, layers · p]</c>.</summary>
    public DeviceRows Rows => rows;

    /// <summary>Computes P from the embeddings of the step's rows.</summary>
    public void Run(IBackend backend, DeviceRows embedded)
    {
        backend.Embed(table, target, looked);
        backend.Apply(ElementFunction.Scale(MathF.Sqrt(inputs.Width)), looked, 0, looked.Width);
        backend.Linear(projection, embedded, rows);
        backend.Apply(ElementFunction.Scale(1 / MathF.Sqrt(inputs.HiddenSize)), rows, 0, rows.Width);
        backend.NormHeads(rows, 0, inputs.Layers, norm, inputs.Epsilon);
        backend.Add(rows, looked);
        backend.Apply(ElementFunction.Scale(1 / MathF.Sqrt(2)), rows, 0, rows.Width);
    }
}
