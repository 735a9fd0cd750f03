using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>A request of a history: what it was bound to when it was handed in, and whether its ending is one that it may have.</summary>
/// <param name="Consumer">Reads its answer.</param>
/// <param name="Question">What was asked.</param>
/// <param name="Uses">What its names stood for; null for a name that stood for nothing.</param>
/// <param name="Deadline">How long it may take.</param>
/// <param name="Asked">When it was handed in.</param>
internal sealed record AskedRequest(
    SteppedConsumer Consumer, Question Question, IReadOnlyList<(NamedContent? Content, float Weight)> Uses, TimeSpan? Deadline,
    TimeSpan Asked)
{
    /// <summary>
    /// Fails the test unless the request ended as it may: with its answer alone, bit by bit, or a part of it and an error that it has
    /// earned.
    /// </summary>
    /// <param name="alone">Answers of requests alone.</param>
    /// <param name="history">What happened.</param>
    public void Check(AloneAnswers alone, EngineHistory history)
    {
        Assert.That(Consumer.IsDone, Is.True, "the stream ends");
        FinishReason? reason = Consumer.Stream.FinishReason;
        bool isBound = Uses.All(use => use.Content is not null);
        if (!isBound)
        {
            Assert.That(Consumer.Taken, Is.Empty, "the base never answers in an adapter's place");
            Assert.That(Consumer.WasEnded || Consumer.Error is AdapterNotFoundException
                || (history.IsDisposed && Consumer.Error is EngineDisposedException), Is.True, $"{Consumer.Error}");
            return;
        }

        TokenBits[] taken = TokenBits.InOrder(Consumer.Taken);
        TokenBits[] expected = ExpectedFor(taken, alone, history);
        switch (Consumer.Error)
        {
            case null when reason is FinishReason.Length or FinishReason.StopToken && !Consumer.WasEnded:
                Assert.That(taken, Is.EqualTo(expected), ToString());
                return;
            case null or OperationCanceledException:
                Assert.That(Consumer.WasEnded, Is.True, $"{reason} without a reason: {this}");
                break;
            case DeadlineExceededException:
                Assert.That(Deadline, Is.Not.Null);
                Assert.That(history.Now - Asked, Is.GreaterThanOrEqualTo(Deadline!.Value));
                break;
            case ConsumerStalledException:
                Assert.That(Consumer.LongestPause, Is.GreaterThanOrEqualTo(history.ConsumerTimeout));
                break;
            case AdapterLoadException:
                Assert.That(
                    Uses.Any(use => use.Content!.Package.WasBroken
                        || (Consumer.Error is AdapterChangedException && use.Content.Package.Contents.Count > 1)),
                    Is.True,
                    Consumer.Error.ToString());
                break;
            case RequestTooLargeException error:
                Assert.That(history.HasPinned
                    || error.CachePages + error.AdapterPages + error.PinnedPages > error.TotalPages, Is.True, error.Message);
                break;
            case EngineDisposedException:
                Assert.That(history.IsDisposed, Is.True);
                break;
            default:
                Assert.Fail($"{this}: {Consumer.Error}");
                break;
        }

        foreach (IGrouping<int, TokenBits> continuation in taken.GroupBy(token => token.Continuation))
        {
            TokenBits[] whole = [.. expected.Where(token => token.Continuation == continuation.Key)];
            Assert.That(continuation, Is.EqualTo(whole.Take(continuation.Count())), $"beginning of {this}");
        }
    }

    /// <summary>
    /// The answer under contents that its names may have stood for: those when it was handed in; where a folder was overwritten and the
    /// engine accepts that, or had not yet read it, also what has been there since. Never a mixture: what was taken begins one of them.
    /// </summary>
    private TokenBits[] ExpectedFor(TokenBits[] taken, AloneAnswers alone, EngineHistory history)
    {
        IEnumerable<(string Content, float Weight)[]> choices = [[]];
        foreach ((NamedContent? content, float weight) in Uses)
        {
            string[] candidates = [.. content!.Candidates(history.Adopts)];
            choices = choices.SelectMany(choice => candidates.Select(candidate => ((string, float)[])[.. choice, (candidate, weight)]));
        }

        TokenBits[][] answers = [.. choices.Select(choice => alone.Of(choice, Question))];
        return answers.FirstOrDefault(answer => taken.All(answer.Contains)) ?? answers[0];
    }

    public override string ToString() =>
        $"{Question} of {(Uses.Count == 0 ? "base" : string.Join(" + ", Uses.Select(use => $"{use.Weight} {use.Content?.Content}")))}";
}

/// <summary>What a name stands for.</summary>
/// <param name="Content">What it was when it got the name.</param>
/// <param name="Package">Where it comes from.</param>
/// <param name="WasRead">Whether that had been read then: from there on no other is served, unless changes are accepted.</param>
/// <param name="From">Its place among the contents of the package.</param>
internal sealed record NamedContent(string Content, SteppedPackage Package, bool WasRead, int From)
{
    public IEnumerable<string> Candidates(bool adopts) => WasRead && !adopts ? [Content] : Package.Contents.Skip(From).Distinct();
}
