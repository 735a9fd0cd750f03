using ILGPU.Runtime;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The memory that launches of a step name besides what stays as long as the engine: what grows with the steps.
/// </summary>
/// <param name="Plan">The upload.</param>
/// <param name="PlanBytes">Its length.</param>
/// <param name="Directories">The tile directories.</param>
/// <param name="DirectoryBytes">Their length.</param>
/// <param name="Shrunk">The shrunken rows.</param>
/// <param name="ShrunkBytes">Their length.</param>
internal readonly record struct StepMemory(
    nint Plan, long PlanBytes, nint Directories, long DirectoryBytes, nint Shrunk, long ShrunkBytes);

/// <summary>
/// Decode steps as one launch. The first step of a <see cref="StepBucket"/> runs as it is; the second is recorded, and from then on all are
/// that record, run on another upload. The buckets that were used last are kept. Records name memory: when some of it is taken anew, they
/// are made again. If the driver cannot record, steps run as they are from then on.
/// </summary>
/// <param name="recorder">Keeps the launches.</param>
/// <param name="rows">What rows buckets may have.</param>
internal sealed class StepGraphs(ILaunchRecorder recorder, BucketRows rows) : IDisposable
{
    /// <summary>Buckets that are kept: a record holds memory of the driver's, for each launch a few hundred bytes.</summary>
    public const int Kept = 64;

    private readonly List<Entry> _entries = new(Kept);
    private StepMemory _memory;
    private Entry? _current;
    private long _steps;
    private bool _isOff;

    /// <summary>Whether the present step has what its bucket has room for, and not only what its plan has.</summary>
    public bool IsAlike => _current is not null;

    /// <summary>Begins a step.</summary>
    /// <param name="plan">Its plan.</param>
    /// <param name="exact">What the plan has.</param>
    /// <returns>What its launches are to be made for.</returns>
    public StepExtents Begin(StepPlan plan, in StepExtents exact)
    {
        _current = null;
        _steps++;
        if (_isOff || StepBucket.Of(plan, exact, rows) is not { } bucket)
        {
            return exact;
        }

        foreach (Entry entry in _entries)
        {
            if (entry.Bucket == bucket)
            {
                entry.LastStep = _steps;
                _current = entry;
                return bucket.Extents;
            }
        }

        Remember(bucket);
        return exact;
    }

    /// <summary>Runs the operations of the step: repeats what is kept of its bucket, or calls them.</summary>
    /// <param name="memory">What the step's launches name.</param>
    /// <param name="operations">Launches all of them.</param>
    public void Run(in StepMemory memory, Action operations)
    {
        if (memory != _memory)
        {
            _entries.ForEach(Free);
            _memory = memory;
        }

        if (_current is null || (_current.Record == 0 && !TryRecord(_current, operations)))
        {
            operations();
            return;
        }

        recorder.Launch(_current.Record);
    }

    public void Dispose()
    {
        _entries.ForEach(Free);
        _entries.Clear();
    }

    private bool TryRecord(Entry entry, Action operations)
    {
        if (recorder.TryBegin())
        {
            bool isWhole = false;
            try
            {
                operations();
                isWhole = true;
            }
            catch (Exception error) when (error is AcceleratorException or GpuException)
            {
                // If it is the device that fails, it fails again without being recorded.
            }
            finally
            {
                entry.Record = recorder.End();
                if (!isWhole)
                {
                    Free(entry);
                }
            }
        }

        _isOff = entry.Record == 0;
        return !_isOff;
    }

    private void Remember(StepBucket bucket)
    {
        if (_entries.Count == Kept)
        {
            Entry oldest = _entries.MinBy(static entry => entry.LastStep)!;
            Free(oldest);
            _entries.Remove(oldest);
        }

        _entries.Add(new Entry { Bucket = bucket, LastStep = _steps });
    }

    private void Free(Entry entry)
    {
        if (entry.Record != 0)
        {
            recorder.Free(entry.Record);
            entry.Record = 0;
        }
    }

    private sealed class Entry
    {
        public required StepBucket Bucket { get; init; }

        public required long LastStep { get; set; }

        public nint Record { get; set; }
    }
}
