using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>The LoRA work of the present step, gathered for one operation after another from the plan's work list.</summary>
/// <param name="rowLimit">The most rows of a step.</param>
/// <param name="shard">Which of several shards this is; null on one device.</param>
/// <param name="shards">How many there are.</param>
internal sealed class LoraStep(int rowLimit, int? shard = null, int shards = 1) : IDisposable
{
    private readonly int[] _outputOfRow = new int[rowLimit];
    private readonly LoraEntries _stepEntries = new();
    private readonly LoraEntries _outputEntries = new();
    private readonly RoutedEntries _routed = new();
    private readonly NormWeights _norms = new(shard);
    private StepPlan? _plan;

    /// <summary>The work of the operation that was gathered last.</summary>
    public LoraWork Work { get; } = new(shard);

    /// <summary>What is changed besides, of the operation that was gathered last by <see cref="GatherChanges"/>.</summary>
    public ChangeWork Changes { get; } = new(shard);

    /// <summary>Whether a generation of the step is more than B A.</summary>
    public bool HasChanges => Plan.Lora.HasChanges;

    /// <summary>In how many passes the work comes, see <see cref="WorkList.Passes"/>.</summary>
    public int Passes => Plan.Lora.Passes;

    private StepPlan Plan => _plan ?? throw new InvalidOperationException("No step has begun.");

    /// <summary>Takes the plan of the step.</summary>
    public void Begin(StepPlan plan)
    {
        _plan = plan;
        Span<int> outputOfRow = _outputOfRow.AsSpan(0, plan.RowCount);
        outputOfRow.Fill(-1);
        for (int i = 0; i < plan.OutputCount; i++)
        {
            outputOfRow[plan.OutputRows[i]] = i;
        }

        _stepEntries.Fill(plan.Lora, []);
        _outputEntries.Fill(plan.Lora, outputOfRow);
    }

    /// <summary>Gathers the work of a group of products in one pass; false if there is none.</summary>
    /// <param name="group">The group.</param>
    /// <param name="rows">Which rows its input has.</param>
    /// <param name="pass">Which of the passes.</param>
    public bool Gather(LinearGroup group, RowSet rows, int pass)
    {
        LoraEntries entries = rows == RowSet.Step ? _stepEntries : _outputEntries;
        if (entries.Count == 0)
        {
            return false;
        }

        Work.Begin(entries, group.Partition is not null);
        bool addsShare = group.Partition is { Axis: PartitionAxis.Columns };
        for (int i = 0; i < group.Parts.Length; i++)
        {
            Work.Add(Plan.Lora, pass, group.Parts[i].Target, group.Offsets[i], addsShare, group.InputBorders);
        }

        Work.End();
        return Work.Products.Length > 0;
    }

    /// <summary>Gathers the work of a product of experts; false if there is none.</summary>
    /// <param name="linear">The product.</param>
    /// <param name="routes">What rows have chosen.</param>
    public bool Gather(ExpertLinear linear, CpuRoutes routes)
    {
        if (_stepEntries.Count == 0)
        {
            return false;
        }

        _routed.Fill(Plan.Lora, routes);
        Work.Begin(_routed.Entries, isShown: false);
        foreach (ExpertTargets targets in linear.Targets)
        {
            Work.Add(Plan.Lora, _routed.Chunks, targets, linear.InputBorders);
        }

        Work.End();
        return Work.Products.Length > 0;
    }

    /// <summary>Gathers the work of the look-up in the embedding table in one pass; false if there is none.</summary>
    /// <param name="target">Index of the table among the target modules.</param>
    /// <param name="pass">Which of the passes.</param>
    public bool GatherEmbedding(int target, int pass)
    {
        if (_stepEntries.Count == 0)
        {
            return false;
        }

        Work.Begin(_stepEntries, isShown: true);
        Work.Add(Plan.Lora, pass, target, firstColumn: 0, addsShare: true, borders: []);
        Work.End();
        return Work.Products.Length > 0;
    }

    /// <summary>Gathers what is changed of a group of products besides in one pass; false if nothing is.</summary>
    public bool GatherChanges(LinearGroup group, RowSet rows, int pass)
    {
        Changes.Begin(
            rows == RowSet.Step ? _stepEntries : _outputEntries, group.Partition is { Axis: PartitionAxis.Columns });
        for (int i = 0; i < group.Parts.Length; i++)
        {
            // Of a sum that shards have parts of, a shard changes the columns that it adds up.
            int outputs = group.Parts[i].Weight.Outputs;
            Run own = group.Partition is { Axis: PartitionAxis.Columns } ? ShareOf(outputs) : new Run(0, outputs);
            Changes.Add(Plan.Lora, pass, group.Parts[i].Target, group.Offsets[i] + own.First, own, group.InputBorders);
        }

        Changes.End();
        return !Changes.Items.IsEmpty;
    }

    /// <summary>Gathers what is changed of the look-up in the embedding table in one pass; false if nothing is.</summary>
    /// <param name="target">Index of the table among the target modules.</param>
    /// <param name="pass">Which of the passes.</param>
    /// <param name="width">Columns of the table.</param>
    /// <param name="firstToken">The token of the first entry that is here.</param>
    /// <param name="isShare">Whether a shard's share of the columns is changed; else all.</param>
    public bool GatherEmbeddingChanges(int target, int pass, int width, int firstToken = 0, bool isShare = false)
    {
        Run own = isShare ? ShareOf(width) : new Run(0, width);
        Changes.BeginEmbedding(_stepEntries, Plan.Tokens, firstToken);
        Changes.Add(Plan.Lora, pass, target, own.First, own, []);
        return !Changes.Items.IsEmpty;
    }

    /// <summary>
    /// What rows of <paramref name="rows"/> have of a norm by their generations; null if no row has anything.
    /// </summary>
    public NormWeights? GatherNorm(DeviceVector weight, RowSet rows, int rowCount, CpuPageMemory pages) =>
        Plan.Lora.Changes(weight.Target)
            ? _norms.Gather(Plan.Lora, rows == RowSet.Step ? _stepEntries : _outputEntries, (CpuVector)weight, rowCount, pages)
            : null;

    /// <summary>The columns of a sum that are added up here.</summary>
    private Run ShareOf(int columns)
    {
        (int first, int end) = Shares.OfColumns(columns, shard ?? 0, shards);
        return new Run(first, end - first);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Work.Dispose();
        Changes.Dispose();
        _norms.Dispose();
    }
}
