using NUnit.Framework;

namespace SLoRA.Core.Tests.Requests;

/// <summary>
/// The rule by which a ring's writer sleeps and its reader wakes it, over every interleaving of the two on processors whose stores wait in
/// a buffer before others see them. A state from which nothing can happen, though the writer has not written everything, is a wake-up that
/// was lost.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class TokenRingProtocolTests
{
    private const int Tokens = 6;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void With_a_fence_between_the_readers_store_and_its_look_no_wake_up_is_lost(int buffer) =>
        Assert.That(LosesWakeUp(buffer, readerHasFence: true), Is.False);

    [TestCase(2)]
    [TestCase(3)]
    public void Without_it_the_reader_can_take_everything_and_wake_nobody(int buffer) =>
        Assert.That(LosesWakeUp(buffer, readerHasFence: false), Is.True);

    private static bool LosesWakeUp(int buffer, bool readerHasFence)
    {
        var seen = new HashSet<State> { default };
        var open = new Queue<State>(seen);
        while (open.TryDequeue(out State state))
        {
            State[] next = [.. Next(state, buffer, readerHasFence)];
            if (next.Length == 0 && (state.Written < Tokens || state.Read < Tokens))
            {
                return true;
            }

            foreach (State follower in next.Where(seen.Add))
            {
                open.Enqueue(follower);
            }
        }

        return false;
    }

    private static IEnumerable<State> Next(State s, int buffer, bool readerHasFence)
    {
        // Stores leave their buffers one by one, at any time.
        if (s.VisibleWritten < s.Written)
        {
            yield return s with { VisibleWritten = s.VisibleWritten + 1 };
        }

        if (s.VisibleRead < s.Read)
        {
            yield return s with { VisibleRead = s.VisibleRead + 1 };
        }

        switch (s.Writer)
        {
            case Writer.Looks when s.Written < Tokens:
                yield return s with { Writer = s.Written - s.VisibleRead >= buffer ? Writer.Sleeps : Writer.Writes };
                break;
            case Writer.Writes:
                yield return s with { Written = s.Written + 1, Writer = Writer.HasFence };
                break;
            case Writer.HasFence when s.VisibleWritten == s.Written:
                yield return s with { Writer = Writer.Looks };
                break;
            case Writer.Sleeps when s.IsWoken:
                yield return s with { IsWoken = false, Writer = Writer.Looks };
                break;
        }

        switch (s.Reader)
        {
            case Reader.Looks when s.Read < s.VisibleWritten:
                yield return s with { Read = s.Read + 1, Reader = Reader.HasFence };
                break;
            case Reader.HasFence when !readerHasFence || s.VisibleRead == s.Read:
                yield return s with { Reader = Reader.Counts };
                break;
            case Reader.Counts:
                yield return s with { IsWoken = s.IsWoken || s.VisibleWritten - s.Read == buffer - 1, Reader = Reader.Looks };
                break;
        }
    }

    private enum Writer
    {
        Looks,
        Writes,
        HasFence,
        Sleeps,
    }

    private enum Reader
    {
        Looks,
        HasFence,
        Counts,
    }

    /// <summary>What each side has stored, and how much of it the other can see.</summary>
    private readonly record struct State(
        int Written, int VisibleWritten, int Read, int VisibleRead, bool IsWoken, Writer Writer, Reader Reader);
}
