using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Engine;

namespace SLoRA.Models;

/// <summary>
/// A decoder, written once over the device operations. What differs between families is in its description and in the weights that were found:
/// a layer without query and key norms simply has none to apply.
/// </summary>
internal sealed class Decoder
{
    private readonly IBackend _backend;
    private readonly DecoderWeights _weights;
    private readonly DeviceRows _hidden;
    private readonly DeviceRows _normed;
    private readonly DeviceRows _projected;
    private readonly DeviceRows _attended;
    private readonly DeviceRows _gateUp;
    private readonly DeviceRows _gated;
    private readonly DeviceRows _residual;
    private readonly DeviceRows _outputs;
    private readonly DeviceRows _outputsNormed;
    private readonly DeviceRows _logits;

    /// <summary>Allocates the activations of a decoder on its backend.</summary>
    public Decoder(DecoderDescription description, DecoderWeights weights, IBackend backend)
    {
        _backend = backend;
        _weights = weights;
        Description = description;
        int hidden = description.HiddenSize;
        _hidden = backend.CreateRows(RowSet.Step, hidden);
        _normed = backend.CreateRows(RowSet.Step, hidden);
        _projected = backend.CreateRows(RowSet.Step, description.Layers.Max(QkvWidth));
        _attended = backend.CreateRows(RowSet.Step, description.Layers.Max(layer => layer.Attention.Heads * layer.Attention.HeadDim));
        _gateUp = backend.CreateRows(RowSet.Step, description.Layers.Max(layer => 2 * layer.Mlp.IntermediateSize));
        _gated = backend.CreateRows(RowSet.Step, description.Layers.Max(layer => layer.Mlp.IntermediateSize));
        _residual = backend.CreateRows(RowSet.Step, hidden);
        _outputs = backend.CreateRows(RowSet.Output, hidden);
        _outputsNormed = backend.CreateRows(RowSet.Output, hidden);
        _logits = backend.CreateRows(RowSet.Output, description.VocabularySize);
    }

    /// <summary>What the decoder looks like.</summary>
    public DecoderDescription Description { get; }

    /// <summary>Computes a step: keys and values of every row go into the pages, logits of the output rows can be read afterwards.</summary>
    public void Run(StepPlan plan)
    {
        try
        {
            Compute(plan);
        }
        catch (Exception error) when (_backend.FaultOf(error) is { } fault)
        {
            throw fault;
        }
    }

    /// <summary>Logits <c>[V]</c> of one output row of the last step; valid until the next one.</summary>
    public Span<float> Logits(int output) => _backend.Logits(_logits, output);

    /// <summary>Whether the device chooses tokens by itself where a step's plan describes how.</summary>
    public bool ChoosesTokens => _backend.ChoosesTokens;

    /// <summary>The token that the device has chosen for an output row of the last step, or a negative number.</summary>
    public int Chosen(int output) => _backend.Chosen(output);

    private void Compute(StepPlan plan)
    {
        _backend.BeginStep(plan);
        _backend.Embed(_weights.Embedding, _weights.EmbeddingTarget, _hidden);
        _backend.Norm(_hidden, _weights.Layers[0].AttentionNorm, Description.NormEpsilon, _normed);
        for (int i = 0; i < _weights.Layers.Length; i++)
        {
            LayerWeights layer = _weights.Layers[i];
            Attention(i, layer, Description.Layers[i].Attention);
            _backend.AddNorm(_hidden, _residual, layer.MlpNorm, Description.NormEpsilon, _normed);
            Mlp(layer);
            if (i + 1 < _weights.Layers.Length)
            {
                _backend.AddNorm(_hidden, _residual, _weights.Layers[i + 1].AttentionNorm, Description.NormEpsilon, _normed);
            }
            else
            {
                _backend.Add(_hidden, _residual);
            }
        }

        if (plan.OutputCount > 0)
        {
            _backend.GatherOutputs(_hidden, _outputs);
            _backend.Norm(_outputs, _weights.FinalNorm, Description.NormEpsilon, _outputsNormed);
            _backend.Linear(_weights.Head, _outputsNormed, _logits);
            _backend.Choose(_logits);
        }

        _backend.EndStep(_logits);
    }

    /// <summary>Normed hidden state → what attention adds to it.</summary>
    private void Attention(int index, LayerWeights layer, AttentionDescription attention)
    {
        _backend.Linear(layer.Qkv, _normed, _projected);
        if (layer.QueryNorm is { } queryNorm && layer.KeyNorm is { } keyNorm)
        {
            _backend.NormHeads(_projected, 0, attention.Heads, queryNorm, Description.NormEpsilon);
            _backend.NormHeads(_projected, attention.Heads * attention.HeadDim, attention.KeyValueHeads, keyNorm, Description.NormEpsilon);
        }

        _backend.RotateAndStore(_projected, index, attention, layer.Rope);
        _backend.Attend(_projected, index, attention, _attended);
        _backend.Linear(layer.Output, _attended, _residual);
    }

    /// <summary>Normed hidden state → what the MLP adds to it.</summary>
    private void Mlp(LayerWeights layer)
    {
        _backend.Linear(layer.GateUp, _normed, _gateUp);
        _backend.Gate(_gateUp, _gated);
        _backend.Linear(layer.Down, _gated, _residual);
    }

    private static int QkvWidth(LayerDescription layer) =>
        (layer.Attention.Heads + (2 * layer.Attention.KeyValueHeads)) * layer.Attention.HeadDim;
}

/// <summary>The base weights of a decoder on its device.</summary>
internal sealed record DecoderWeights
{
    /// <summary>Token embeddings.</summary>
    public required DeviceTable Embedding { get; init; }

    /// <summary>Target index of the embedding.</summary>
    public required int EmbeddingTarget { get; init; }

    /// <summary>One entry per layer.</summary>
    public required ImmutableArray<LayerWeights> Layers { get; init; }

    /// <summary>Weight of the norm before the head.</summary>
    public required DeviceVector FinalNorm { get; init; }

    /// <summary>Hidden state → logits.</summary>
    public required LinearGroup Head { get; init; }
}

/// <summary>The base weights of one layer.</summary>
internal sealed record LayerWeights
{
    /// <summary>Weight of the norm before attention.</summary>
    public required DeviceVector AttentionNorm { get; init; }

    /// <summary>Queries, keys and values, side by side.</summary>
    public required LinearGroup Qkv { get; init; }

    /// <summary>Weight of the norm over each query head, or null.</summary>
    public DeviceVector? QueryNorm { get; init; }

    /// <summary>Weight of the norm over each key head, or null.</summary>
    public DeviceVector? KeyNorm { get; init; }

    /// <summary>The layer's rotary embedding.</summary>
    public required DeviceRope Rope { get; init; }

    /// <summary>Attention's output projection.</summary>
    public required LinearGroup Output { get; init; }

    /// <summary>Weight of the norm before the MLP.</summary>
    public required DeviceVector MlpNorm { get; init; }

    /// <summary>Gate and up projections, side by side.</summary>
    public required LinearGroup GateUp { get; init; }

    /// <summary>Down projection.</summary>
    public required LinearGroup Down { get; init; }
}
