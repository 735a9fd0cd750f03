using SLoRA.Adapters;

namespace SLoRA.Engine;

/// <summary>
/// Fills the plan of the next step: first one row for every sequence that decodes, then prompt chunks in the order of admission, as far as the
/// step's rows reach. The work list is sorted by (place of the adapter in its request, generation).
/// </summary>
internal sealed class StepPlanner
{
    private readonly int _streamBuffer;
    private readonly Func<int>? _chunkLimit;
    private readonly List<Sequence> _sequences = [];
    private readonly List<LoraSlice> _lora = [];

    /// <summary>Creates a planner.</summary>
    /// <param name="streamBuffer">Unread tokens at which a sequence pauses.</param>
    /// <param name="chunkLimit">The most rows of the next prompt chunk; null for no limit of its own.</param>
    public StepPlanner(int streamBuffer, Func<int>? chunkLimit = null)
    {
        _streamBuffer = streamBuffer;
        _chunkLimit = chunkLimit;
    }

    /// <summary>The sequence of each slice of the plan.</summary>
    public IReadOnlyList<Sequence> Sequences => _sequences;

    /// <summary>Whether one of the running sequences could compute now.</summary>
    public bool CanPlan(IReadOnlyList<Sequence> running)
    {
        for (int i = 0; i < running.Count; i++)
        {
            if (IsReady(running[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Plans a step over the running sequences.</summary>
    /// <returns>False when nothing can be computed now.</returns>
    public bool TryPlan(IReadOnlyList<Sequence> running, StepPlan plan)
    {
        plan.Clear();
        _sequences.Clear();
        _lora.Clear();
        for (int i = 0; i < running.Count && plan is { RowsLeft: > 0, OutputsLeft: > 0 }; i++)
        {
            if (running[i].Pending == 1 && IsReady(running[i]))
            {
                Add(running[i], 1, plan);
            }
        }

        for (int i = 0; i < running.Count && plan.RowsLeft > 0; i++)
        {
            if (running[i].Pending > 1 && IsReady(running[i]) && ChunkRows(running[i], plan) is var rows and > 0)
            {
                Add(running[i], rows, plan);
            }
        }

        AddLora(plan.Lora);
        return plan.RowCount > 0;
    }

    /// <summary>Neither paused by a slow consumer nor waiting for an adapter's pages.</summary>
    private bool IsReady(Sequence sequence)
    {
        if (sequence.Finished is not null || sequence.Request.Stream.Unread >= _streamBuffer)
        {
            return false;
        }

        foreach (Lease lease in sequence.Request.Leases)
        {
            if (lease.Generation?.Resident is null)
            {
                return false;
            }
        }

        return true;
    }

    private int ChunkRows(Sequence sequence, StepPlan plan)
    {
        int rows = Math.Min(sequence.Pending, plan.RowsLeft);
        if (_chunkLimit is not null)
        {
            rows = Math.Min(rows, Math.Max(1, _chunkLimit()));
        }

        if (sequence.WantsPromptLogits)
        {
            return Math.Min(rows, plan.OutputsLeft);
        }

        return rows == sequence.Pending && plan.OutputsLeft == 0 ? rows - 1 : rows;
    }

    private void Add(Sequence sequence, int rows, StepPlan plan)
    {
        int outputs = sequence.WantsPromptLogits ? rows : rows == sequence.Pending ? 1 : 0;
        int tokens = sequence.Computed + rows;
        sequence.Table.Extend(tokens);
        int firstRow = plan.AddSlice(sequence.Next(rows), sequence.Computed, sequence.Table.PagesOf(tokens), outputs);
        _sequences.Add(sequence);
        for (int place = 0; place < sequence.Request.Leases.Length; place++)
        {
            Lease lease = sequence.Request.Leases[place];
            _lora.Add(new LoraSlice(place, lease.Generation!, firstRow, rows, lease.Weight));
        }
    }

    private void AddLora(WorkList list)
    {
        _lora.Sort(LoraSlice.ByPlaceThenGeneration);
        for (int i = 0; i < _lora.Count; i++)
        {
            LoraSlice slice = _lora[i];
            bool startsPlace = i == 0 || _lora[i - 1].Place != slice.Place;
            list.Add(slice.Generation.Resident!, slice.FirstRow, slice.RowCount, slice.Weight, startsPlace);
        }
    }

    private readonly record struct LoraSlice(int Place, Generation Generation, int FirstRow, int RowCount, float Weight)
    {
        public static readonly Comparison<LoraSlice> ByPlaceThenGeneration = static (a, b) =>
        {
            int order = a.Place.CompareTo(b.Place);
            order = order != 0 ? order : a.Generation.Ordinal.CompareTo(b.Generation.Ordinal);
            return order != 0 ? order : a.FirstRow.CompareTo(b.FirstRow);
        };
    }
}
