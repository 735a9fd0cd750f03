using SLoRA.Adapters.Resident;
using SLoRA.Scheduling;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>
/// Fills the plan of the next step: first one row for every sequence that decodes, then prompt chunks. The oldest prompt takes the most, up
/// to a limit of its own when there are others, which share what is left evenly; every prompt gets a row at least, for no more sequences
/// run than a step has rows, and those that make way for others get no more. The work list is sorted by (place of the adapter in its
/// request, generation); rows that come before the invocation of their adapter are not in it.
/// </summary>
internal sealed class StepPlanner
{
    private readonly int _streamBuffer;
    private readonly int _promptRows;
    private readonly Func<int>? _chunkLimit;
    private readonly Claims? _claims;
    private readonly List<Sequence> _sequences = [];
    private readonly List<Sequence> _prompts = [];
    private readonly List<bool> _isFirst = [];
    private readonly List<LoraSlice> _lora = [];

    /// <summary>Creates a planner.</summary>
    /// <param name="streamBuffer">Unread tokens at which a sequence pauses.</param>
    /// <param name="promptRows">The most rows of one prompt when others are being computed.</param>
    /// <param name="chunkLimit">The most rows of the next prompt chunk; null for no limit of its own.</param>
    /// <param name="claims">Says which prompts make way for others; null when none does.</param>
    public StepPlanner(int streamBuffer, int promptRows, Func<int>? chunkLimit = null, Claims? claims = null)
    {
        _claims = claims;
        _promptRows = promptRows;
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
        _prompts.Clear();
        for (int i = 0; i < running.Count; i++)
        {
            if (!IsReady(running[i]))
            {
                continue;
            }

            if (running[i].Pending > 1)
            {
                _prompts.Add(running[i]);
            }
            else if (plan is { RowsLeft: > 0, OutputsLeft: > 0 })
            {
                Add(running[i], 1, plan);
            }
        }

        AddPrompts(running, plan);
        AddLora(plan.Lora);
        return plan.RowCount > 0;
    }

    /// <summary>Neither paused by a slow consumer nor waiting for a page or for an adapter's pages.</summary>
    private bool IsReady(Sequence sequence)
    {
        if (sequence.Finished is not null || sequence.IsPaused(_streamBuffer) || sequence.Table.Missing(sequence.Count) > 0)
        {
            return false;
        }

        foreach (Lease lease in sequence.Leases)
        {
            if (lease.Generation?.Resident is null)
            {
                return false;
            }
        }

        return true;
    }

    private void AddPrompts(IReadOnlyList<Sequence> running, StepPlan plan)
    {
        bool someMakeWay = _claims is not null && _prompts.Count > 1;
        int sharing = _prompts.Count;
        if (someMakeWay)
        {
            sharing = _claims!.ChooseFirst(_prompts, running, _isFirst);
        }

        int waiting = _prompts.Count - sharing;
        int patient = _promptRows;
        bool isOldest = true;
        for (int i = 0; i < _prompts.Count && plan.RowsLeft > 0; i++)
        {
            bool shares = !someMakeWay || _isFirst[i];
            (sharing, waiting) = shares ? (sharing - 1, waiting) : (sharing, waiting - 1);
            int rows = shares ? Share(plan.RowsLeft - waiting, isOldest, sharing) : 1;
            isOldest &= !shares;
            if (_claims?.Queues(_prompts[i]) == true)
            {
                rows = Math.Min(rows, Math.Max(1, patient));
                patient -= Math.Min(rows, _prompts[i].Pending);
            }

            if (ChunkRows(_prompts[i], rows, sharing + waiting, plan) is var chunk and > 0)
            {
                Add(_prompts[i], chunk, plan);
            }
        }
    }

    /// <summary>A prompt's share of the rows that are left to it and those behind it.</summary>
    private int Share(int rows, bool isOldest, int behind) =>
        Math.Max(1, isOldest && behind > 0 ? Math.Min(_promptRows, rows - behind) : rows / (behind + 1));

    /// <summary>
    /// How many rows a prompt gets, of which each of the <paramref name="behind"/> prompts behind it is left at least one.
    /// </summary>
    private int ChunkRows(Sequence sequence, int share, int behind, StepPlan plan)
    {
        int rows = Math.Min(sequence.ChunkLimit, share);
        if (_chunkLimit is not null)
        {
            rows = Math.Min(rows, Math.Max(1, _chunkLimit()));
        }

        if (sequence.WantsPromptLogits)
        {
            return Math.Min(rows, Math.Max(1, plan.OutputsLeft - behind));
        }

        return rows == sequence.Pending && plan.OutputsLeft == 0 ? rows - 1 : rows;
    }

    private void Add(Sequence sequence, int rows, StepPlan plan)
    {
        int outputs = sequence.WantsPromptLogits ? rows : rows == sequence.Pending ? 1 : 0;
        int tokens = sequence.Computed + rows;
        sequence.Begin();
        sequence.Table.Extend(tokens);
        int firstRow = plan.AddSlice(
            sequence.Next(rows), sequence.Computed, sequence.Table.PagesOf(tokens), outputs, sequence.Table.StatePages,
            sequence.KnownLength, sequence.Table.FirstBlock(0));
        for (int group = 1; group < sequence.Table.Groups; group++)
        {
            plan.AddTable(sequence.Table.PagesOf(tokens, group), sequence.Table.FirstBlock(group));
        }

        _sequences.Add(sequence);
        if (sequence.Leases.IsEmpty || sequence.Request.Start >= tokens)
        {
            return;
        }

        int before = Math.Max(0, sequence.Request.Start - (tokens - rows));
        for (int place = 0; place < sequence.Leases.Length; place++)
        {
            Lease lease = sequence.Leases[place];
            _lora.Add(new LoraSlice(place, lease.Generation!, firstRow + before, rows - before, lease.Weight));
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
