using SLoRA.Backends;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models;

/// <summary>
/// A decoder, written once over the device operations: embed, then for every branch of every layer norm, block, add, then norm and head. It
/// knows no architecture: what differs between families is in the blocks and in what the description says about the path around them.
/// </summary>
internal sealed class Decoder
{
    private readonly IBackend _backend;
    private readonly LoadedDecoder _loaded;
    private readonly bool _keepsStates;
    private readonly Action _operations;
    private readonly DeviceRows _hidden;
    private readonly DeviceRows _normed;
    private readonly DeviceRows _residual;
    private readonly DeviceRows _outputs;
    private readonly DeviceRows _outputsNormed;
    private readonly DeviceRows _logits;
    private bool _hasOutputs;

    /// <summary>Allocates the activations of a decoder on its backend.</summary>
    /// <param name="description">What it looks like.</param>
    /// <param name="loaded">Its weights.</param>
    /// <param name="backend">The backend.</param>
    /// <param name="addedTokens">Columns of the logits for tokens that adapters bring.</param>
    public Decoder(DecoderDescription description, LoadedDecoder loaded, IBackend backend, int addedTokens = 0)
    {
        Shape = description.Shape with { AddedTokens = addedTokens };
        _backend = backend;
        _loaded = loaded;
        _operations = Compute;
        _keepsStates = description.Kept.Any(kept => !kept.PerSequence.IsEmpty);
        Description = description;
        int hidden = description.HiddenSize;
        _hidden = backend.CreateRows(RowSet.Step, hidden);
        _normed = backend.CreateRows(RowSet.Step, hidden);
        _residual = backend.CreateRows(RowSet.Step, hidden);
        _outputs = backend.CreateRows(RowSet.Output, hidden);
        _outputsNormed = backend.CreateRows(RowSet.Output, hidden);
        _logits = backend.CreateRows(
            RowSet.Output, description.VocabularySize + addedTokens,
            description.Head.Partition is { } head ? [head.Split] : []);
    }

    /// <summary>The sizes that its backend has to know.</summary>
    public DecoderShape Shape { get; }

    /// <summary>What the decoder looks like.</summary>
    public DecoderDescription Description { get; }

    /// <summary>
    /// Computes a step: what every row leaves behind goes into the pages, logits of the output rows can be read afterwards.
    /// </summary>
    public void Run(StepPlan plan)
    {
        try
        {
            if (_keepsStates)
            {
                ClearNewStates(plan);
            }

            _hasOutputs = plan.OutputCount > 0;
            _backend.BeginStep(plan);
            _backend.Run(_operations);
            _backend.EndStep(_logits);
        }
        catch (Exception error) when (_backend.FaultOf(error) is { } fault)
        {
            throw fault;
        }
    }

    /// <summary>
    /// Logits <c>[V]</c> of one output row of the last step, and behind them those of added tokens, which mean something for as many as the
    /// row's adapter has; valid until the next one. A device may fetch them now.
    /// </summary>
    public Span<float> Logits(int output)
    {
        try
        {
            return _backend.Logits(_logits, output);
        }
        catch (Exception error) when (_backend.FaultOf(error) is { } fault)
        {
            throw fault;
        }
    }

    /// <summary>What shards have exchanged in the last step.</summary>
    public StepExchange Exchange => _backend.Exchange;

    /// <summary>Whether the device chooses tokens by itself where a step's plan describes how.</summary>
    public bool ChoosesTokens => _backend.ChoosesTokens;

    /// <summary>The token that the device has chosen for an output row of the last step, or a negative number.</summary>
    public int Chosen(int output) => _backend.Chosen(output);

    private void Compute()
    {
        _backend.Embed(_loaded.Embedding, _loaded.EmbeddingTarget, _hidden);
        Apply(_hidden, Description.EmbeddingMultiplier);
        _loaded.PerLayerInputs?.Run(_backend, _hidden);
        ReadOnlySpan<LoadedBranch> branches = _loaded.Branches.AsSpan();
        branches[0].Norm?.Run(_backend, _hidden, _normed);
        for (int i = 0; i < branches.Length; i++)
        {
            LoadedBranch branch = branches[i];
            branch.Block.Run(_backend, branch.Norm is null ? _hidden : _normed, _residual);
            branch.NormBehind?.Run(_backend, _residual, _residual);
            Apply(_residual, branch.Multiplier);
            LoadedNorm? next = i + 1 < branches.Length ? branches[i + 1].Norm : null;
            if (next is not null && branch.FactorBehind == 1)
            {
                next.RunOnSum(_backend, _hidden, _residual, _normed);
            }
            else
            {
                _backend.Add(_hidden, _residual);
                Apply(_hidden, branch.FactorBehind);
                next?.Run(_backend, _hidden, _normed);
            }
        }

        if (_hasOutputs)
        {
            _backend.GatherOutputs(_hidden, _outputs);
            _loaded.FinalNorm.Run(_backend, _outputs, _outputsNormed);
            _backend.Linear(_loaded.Head, _outputsNormed, _logits);
            Apply(_logits, Description.LogitMultiplier);
            if (Description.LogitCap is { } cap)
            {
                _backend.Apply(ElementFunction.Cap(cap), _logits, 0, _logits.Width);
            }

            _backend.Choose(_logits);
        }
    }

    private void Apply(DeviceRows rows, float multiplier)
    {
        if (multiplier != 1)
        {
            _backend.Apply(ElementFunction.Scale(multiplier), rows, 0, rows.Width);
        }
    }

    /// <summary>Nothing comes before the first position: whatever is left in the pages, states begin as zeros.</summary>
    private void ClearNewStates(StepPlan plan)
    {
        foreach (StepSlice slice in plan.Slices)
        {
            if (slice.FirstPosition == 0)
            {
                foreach (int page in plan.StatePages(slice))
                {
                    _backend.Pages.Clear(page);
                }
            }
        }
    }
}
