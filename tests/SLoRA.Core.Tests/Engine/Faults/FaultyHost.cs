namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>What a host program may hang on a request, failing at the third token.</summary>
/// <param name="fault">What happens then; the logits, where there are any.</param>
/// <param name="begun">Told of each continuation that is begun to be watched.</param>
internal sealed class FaultyHost(Action<Span<float>> fault, Action? begun = null) : ILogitsHook, IStopCondition
{
    private int _calls;

    public void Apply(LogitsContext context, Span<float> logits) => Count(logits);

    public IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation)
    {
        begun?.Invoke();
        return new Matcher(this);
    }

    private void Count(Span<float> logits)
    {
        if (++_calls == 3)
        {
            fault(logits);
        }
    }

    private sealed class Matcher(FaultyHost owner) : IStopMatcher
    {
        public bool IsMet(int token)
        {
            owner.Count([]);
            return false;
        }
    }
}

/// <summary>A clock that sets no timers.</summary>
internal sealed class TimerlessClock : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        throw new InvalidOperationException("There are no timers.");
}
