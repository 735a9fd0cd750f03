using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Notices requests whose consumers are behind and have taken nothing for as long as they may: what a request holds must not depend on
/// whether somebody still reads. A timer wakes the engine when nothing else does. Belongs to the engine's thread.
/// </summary>
/// <param name="options">How long a consumer may be behind.</param>
/// <param name="clock">The clock.</param>
/// <param name="wake">Lets the engine make a step; called by the timer, on any thread.</param>
internal sealed class SlowConsumers(SchedulingOptions options, TimeProvider clock, Action wake) : IDisposable
{
    private readonly List<RequestState> _due = [];
    private readonly WakeTimer _timer = new(clock, wake);
    private long _earliest;

    /// <summary>Looks at all who have unread tokens.</summary>
    /// <param name="running">Sequences that run.</param>
    /// <param name="preempted">Sequences that have run and wait.</param>
    /// <returns>Requests whose time is over. Valid until the next call.</returns>
    public List<RequestState> Look(IReadOnlyList<Sequence> running, IReadOnlyList<Sequence> preempted)
    {
        _due.Clear();
        if (!options.EndsSlowConsumers)
        {
            return _due;
        }

        long now = clock.GetTimestamp();
        _earliest = 0;
        Look(running, now);
        Look(preempted, now);
        if (_earliest != 0)
        {
            // For the one that has been behind for longest: nobody's time is over before.
            _timer.WakeAt(_earliest + (long)(options.ConsumerTimeout.TotalSeconds * clock.TimestampFrequency), now);
        }

        return _due;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look(IReadOnlyList<Sequence> sequences, long now)
    {
        for (int i = 0; i < sequences.Count; i++)
        {
            RequestState request = sequences[i].Request;
            int unread = request.Stream.Unread;
            if (sequences[i].Finished is not null)
            {
                continue;
            }

            if (unread < options.StreamBuffer)
            {
                request.BehindSince = 0;
                continue;
            }

            int taken = request.Stream.Taken;
            if (request.BehindSince == 0 || request.TakenBefore != taken)
            {
                (request.BehindSince, request.TakenBefore) = (now, taken);
            }

            if (clock.GetElapsedTime(request.BehindSince, now) >= options.ConsumerTimeout)
            {
                _due.Add(request);
            }
            else if (_earliest == 0 || request.BehindSince < _earliest)
            {
                _earliest = request.BehindSince;
            }
        }
    }
}
