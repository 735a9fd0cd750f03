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

    [TestCase(1, 1)]
    [TestCase(2, 1)]
    [TestCase(3, 1)]
    [TestCase(2, 2, Description = "two are published together now and then")]
    [TestCase(3, 3)]
    public void With_a_fence_between_the_readers_store_and_its_look_no_wake_up_is_lost(int buffer, int together) =>
        Assert.That(LosesWakeUp(buffer, together, readerHasFence: true, looksAgain: true), Is.False);

    [TestCase(2)]
    [TestCase(3)]
    public void Without_it_the_reader_can_take_everything_and_wake_nobody(int buffer) =>
        Assert.That(LosesWakeUp(buffer, 1, readerHasFence: false, looksAgain: true), Is.True);

    [TestCase(2)]
    [TestCase(3)]
    public void A_writer_that_does_not_look_again_when_it_has_published_can_sleep_for_ever(int buffer) =>
        Assert.That(LosesWakeUp(buffer, 2, readerHasFence: true, looksAgain: false), Is.True);

    /// <summary>Whether there is an interleaving in which nobody is woken any more.</summary>
    /// <param name="buffer">Unread tokens, published or not, at which the writer stops.</param>
    /// <param name="together">The most tokens that it publishes at once.</param>
    /// <param name="readerHasFence">Whether the reader's store is seen before it looks.</param>
    /// <param name="looksAgain">Whether the writer looks once more when it has published.</param>
    private static bool LosesWakeUp(int buffer, int together, bool readerHasFence, bool looksAgain)
    {
        var seen = new HashSet<State> { default };
        var open = new Queue<State>(seen);
        while (open.TryDequeue(out State state))
        {
            State[] next = [.. Next(state, buffer, together, readerHasFence, looksAgain)];
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

    private static IEnumerable<State> Next(State s, int buffer, int together, bool readerHasFence, bool looksAgain)
    {
        // Stores leave their buffers at any time, those of one place the last one alone or one by one.
        for (int visible = s.VisibleWritten + 1; visible <= s.Published; visible++)
        {
            yield return s with { VisibleWritten = visible };
        }

        if (s.VisibleRead < s.Read)
        {
            yield return s with { VisibleRead = s.VisibleRead + 1 };
        }

        switch (s.Writer)
        {
            case Writer.Looks when s.Written < Tokens && s.Written - s.VisibleRead < buffer && s.Written - s.Published < together:
                yield return s with { Written = s.Written + 1 };
                if (s.Written > s.Published)
                {
                    yield return s with { Writer = Writer.Publishes };
                }

                break;
            case Writer.Looks when s.Written > s.Published:
                yield return s with { Writer = Writer.Publishes };
                break;
            case Writer.Looks when s.Written < Tokens:
                yield return s with { Writer = Writer.Sleeps };
                break;
            case Writer.Publishes:
                yield return s with { Published = s.Written, Writer = Writer.HasFence };
                break;
            case Writer.HasFence when s.VisibleWritten == s.Published:
                yield return s with { Writer = looksAgain || s.Published == Tokens ? Writer.Looks : Writer.Sleeps };
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
        Publishes,
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
        int Written, int Published, int VisibleWritten, int Read, int VisibleRead, bool IsWoken, Writer Writer, Reader Reader);
}
