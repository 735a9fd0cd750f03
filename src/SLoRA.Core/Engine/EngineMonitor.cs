using SLoRA.Adapters;
using SLoRA.Pool;

namespace SLoRA.Engine;

/// <summary>What the outside may see of the engine: written by its thread between steps, read by anybody.</summary>
internal sealed class EngineMonitor(PagePool pool, long pageBytes, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private StepStatus _lastStep;
    private PoolStatus _pool = new(pageBytes, pool.Total, pool.Total, 0, 0);
    private long _steps;
    private long _rows;
    private long _generated;
    private long _ended;
    private int _running;
    private int _waiting;
    private int _residentAdapters;

    /// <summary>Requests that wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Notes a step.</summary>
    public void Stepped(StepPlan plan, IReadOnlyList<Sequence> sequences, long started)
    {
        int decodeRows = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            decodeRows += slice.RowCount == 1 ? 1 : 0;
        }

        int adapters = DistinctAdapters(plan.Lora);
        lock (_gate)
        {
            _steps++;
            _rows += plan.RowCount;
            _generated += plan.OutputCount;
            _lastStep = new StepStatus(_steps, plan.RowCount, decodeRows, sequences.Count, adapters, clock.GetElapsedTime(started));
        }
    }

    /// <summary>Notes the end of requests.</summary>
    public void Retired(int requests)
    {
        lock (_gate)
        {
            _ended += requests;
        }
    }

    /// <summary>Notes how things stand between two steps.</summary>
    public void Observe(int running, int waiting, IReadOnlyList<Generation> resident, int adapterPages, int idlePrefixes)
    {
        lock (_gate)
        {
            _running = running;
            _waiting = waiting;
            _residentAdapters = resident.Count;
            _pool = new PoolStatus(pageBytes, pool.Total, pool.Free, pool.Reserved, adapterPages) { IdlePrefixes = idlePrefixes };
        }
    }

    /// <summary>A consistent picture.</summary>
    public EngineStatus Status()
    {
        lock (_gate)
        {
            return new EngineStatus
            {
                Running = _running,
                Waiting = _waiting,
                EndedRequests = _ended,
                ResidentAdapters = _residentAdapters,
                Pool = _pool,
                Steps = _steps,
                ComputedTokens = _rows,
                SampledTokens = _generated,
                LastStep = _lastStep,
            };
        }
    }

    private static int DistinctAdapters(WorkList list)
    {
        int distinct = 0;
        for (int i = 0; i < list.Chunks.Length; i++)
        {
            bool seen = false;
            for (int j = 0; j < i && !seen; j++)
            {
                seen = ReferenceEquals(list.Chunks[j].Adapter, list.Chunks[i].Adapter);
            }

            distinct += seen ? 0 : 1;
        }

        return distinct;
    }
}
