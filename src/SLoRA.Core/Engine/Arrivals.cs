using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>Makes waiting sequences of the requests that are handed in, or refuses them. Belongs to the engine's thread.</summary>
/// <param name="parts">What the engine is made of.</param>
/// <param name="port">Where a deadline is posted.</param>
/// <param name="residency">Names, and content that cannot be read.</param>
/// <param name="demand">Says what can never fit.</param>
/// <param name="queue">Counts who waits.</param>
/// <param name="requests">Takes the sequences.</param>
/// <param name="endings">Ends those whose adapter has just failed to load.</param>
/// <param name="prefixes">Pages that are kept for others; null when that is off.</param>
/// <param name="vocabulary">Which tokens a request may have.</param>
internal sealed class Arrivals(
    EngineParts parts, EnginePort port, Residency residency, PageDemand demand, WaitingQueue queue, ActiveRequests requests,
    RequestEndings endings, PrefixCache? prefixes, VocabularyRule vocabulary)
{
    /// <summary>By how much systems' timers fire too early at most: their resolution.</summary>
    private static readonly TimeSpan TimerHaste = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes a request in: its names stand for what they stand for now.</summary>
    /// <exception cref="SLoraException">It names an adapter that is not registered, adapters that do not go together, or tokens that its
    /// adapter does not have, or needs more pages than there are; nothing has changed.</exception>
    public void Take(GenerationStream stream)
    {
        GenerationRequest asked = stream.Request;
        ImmutableArray<BoundAdapter> adapters = residency.Names.Resolve(asked);
        if ((MixingRule.RefusalOf(adapters.AsSpan()) ?? vocabulary.RefusalOf(asked, adapters)) is { } refusal)
        {
            throw refusal;
        }

        int tokens = asked.Prompt.Length + stream.MaxTokens - 1;
        var table = new PageTable(parts.Pool, parts.TableShape, prefixes, tokens);
        demand.RequireFits(table.PagesFor(tokens, asked.Continuations - 1, asked.Prompt.Length), adapters);
        var rules = new StopRules(asked.StopTokens, parts.Decoder.Description.EndOfSequence, asked.IgnoreEndOfText, stream.MaxTokens);
        var request = new RequestState(stream, adapters, rules, parts.Seeds.SeedFor(asked.Sampling), parts.Clock.GetTimestamp())
        {
            RopeLengths = parts.RopeLengths,
        };
        var sequence = new Sequence(request, table);
        if (asked.Deadline is { } deadline)
        {
            request.DeadlineTimer = parts.Clock.CreateTimer(
                _ => port.TryPost(new DeadlinePassed(request)), null, deadline, Timeout.InfiniteTimeSpan);
        }

        if (asked.FirstTokenTarget is { } target && parts.Scheduling.Policy.AbortsLate)
        {
            // When nothing else happens, the engine has to look then; not before, or it would not look again.
            request.TargetTimer = parts.Clock.CreateTimer(_ => port.WakeUp(), null, target + TimerHaste, Timeout.InfiniteTimeSpan);
        }

        requests.Add(sequence);
        residency.Needs.Note(sequence);
        if (LoadFailure(sequence.Leases) is { } failure)
        {
            endings.Fail(request, failure);
        }
    }

    /// <summary>Ends a request that cannot be taken in.</summary>
    public void Refuse(GenerationStream stream, Exception error)
    {
        queue.Leave();
        parts.Metrics.Ended(stream.Request, FinishReason.Failed, GenerationUsage.Nothing(stream.Request), TimeSpan.Zero, error);
        stream.EndUnserved(FinishReason.Failed, error);
    }

    /// <summary>Why the content of one of the adapters could not be read a moment ago; null when nothing speaks against trying.</summary>
    private Exception? LoadFailure(ImmutableArray<Lease> leases)
    {
        foreach (Lease lease in leases)
        {
            if (!lease.HasContent && residency.Loads.RefusalOf(lease.Registration) is { } failure)
            {
                return failure;
            }
        }

        return null;
    }
}
