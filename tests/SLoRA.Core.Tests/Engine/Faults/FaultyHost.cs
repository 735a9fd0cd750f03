namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>What a host program may hang on a request, failing at the third token.</summary>
internal sealed class FaultyHost(Action<Span<float>> fault) : ILogitsHook, IStopCondition, IStopMatcher
{
    private int _calls;

    public void Apply(LogitsContext context, Span<float> logits)
    {
        if (++_calls == 3)
        {
            fault(logits);
        }
    }

    public IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation) => this;

    public bool IsMet(int token)
    {
        if (++_calls == 3)
        {
            fault([]);
        }

        return false;
    }
}

/// <summary>A clock that sets no timers.</summary>
internal sealed class TimerlessClock : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        throw new InvalidOperationException("There are no timers.");
}
