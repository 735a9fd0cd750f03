using SLoRA.Core.Tests.Engine;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling.Traces;

/// <summary>
/// The router that the traces were recorded with, in virtual time, over one of our orders: it counts tokens, cells and microseconds, and
/// asks the order who is next. Its first token costs nothing, as there.
/// </summary>
/// <param name="trace">The workload.</param>
/// <param name="order">Says who goes before whom.</param>
/// <param name="router">What the recorded router did beside asking who is next.</param>
internal sealed class ClosedLoop(DecisionTrace trace, IQueueOrder order, RouterHabits router = default)
{
    private const int StepsBetweenAttempts = 10;

    private static readonly Lazy<SteppedEngine> Engine = new(() => new SteppedEngine());

    private readonly Sequence?[] _sequences = new Sequence?[trace.Arrivals.Count];
    private readonly int[] _tokens = new int[trace.Arrivals.Count];
    private readonly HashSet<int> _waiting = [];
    private readonly HashSet<int> _cancelled = [];
    private readonly HashSet<int> _ghosts = [];
    private readonly Dictionary<int, double> _service = [];
    private readonly Dictionary<(int, int), (double Least, double Most)> _spans = [];
    private readonly List<int> _running = [];
    private int _arrived;
    private int _cancels;
    private int _admissions;
    private ArrivalCounts _counts = new();

    /// <summary>The largest difference of service by weight between two clients who both had requests waiting all the time.</summary>
    public double Gap { get; private set; }

    /// <summary>Whether requests were ever left waiting although none had been found not to fit.</summary>
    public bool LeftRoom { get; private set; }

    public IEnumerable<TraceStep> Run()
    {
        long now = 0;
        int since = 0;
        while (_arrived < _sequences.Length || _waiting.Count + _running.Count > 0)
        {
            Deliver(now);
            bool attempts = _running.Count == 0 || since >= StepsBetweenAttempts || router.AttemptsAlways;
            List<int> dropped = [];
            List<int> admitted = attempts ? Attempt(now, dropped) : [];
            char kind = admitted.Count > 0 ? 'P' : _running.Count == 0 ? 'I' : attempts ? 'A' : 'D';
            List<int> ended = [];
            if (kind == 'P')
            {
                now += trace.Cost[0] + (trace.Cost[1] * admitted.Sum(id => trace.Prompts[id]));
                since = 0;
                Advance(admitted, id => trace.Prompts[id] + 2, ended);
                ChargeTwice(admitted, ended);
                _running.AddRange(admitted.Except(ended));
            }
            else if (kind != 'I')
            {
                ChargeTokens(_running);
                now += trace.Cost[2] + (trace.Cost[3] * _running.Sum(id => (long)trace.Prompts[id] + _tokens[id]));
                since = Math.Min(since + 1, StepsBetweenAttempts);
                Advance(_running, _ => 2, ended);
                ChargeTwice(_running, ended);
                _running.RemoveAll(ended.Contains);
            }

            NoteGaps();
            yield return new TraceStep(kind, string.Join(' ', admitted), string.Join(' ', dropped), string.Join(' ', ended), now);
            now += _running.Count == 0 ? 10_000 : 0;
        }
    }

    private void Deliver(long now)
    {
        while (true)
        {
            long arrival = _arrived < _sequences.Length ? trace.Arrivals[_arrived] : long.MaxValue;
            long cancel = _cancels < trace.Cancels.Count ? trace.Cancels[_cancels].Time : long.MaxValue;
            if (Math.Min(arrival, cancel) > now)
            {
                return;
            }

            if (arrival <= cancel)
            {
                Arrive(_arrived++);
            }
            else if (trace.Cancels[_cancels++].Id is int id && _waiting.Remove(id))
            {
                order.Leave(_sequences[id]!);
                _ghosts.Add(id);
            }
            else
            {
                _cancelled.Add(id);
            }
        }
    }

    private void Arrive(int id)
    {
        string client = $"{trace.Adapters[id]}";
        var asked = new GenerationRequest
        {
            Prompt = new int[trace.Prompts[id]],
            ClientId = client,
            Adapter = trace.Adapters[id] < 0 ? null : client,
            FirstTokenTarget = router.FirstTokenTarget,
        };
        var stream = new GenerationStream(Engine.Value.Loop.Port, asked, trace.Limits[id], default);
        var request = new RequestState(stream, [], new StopRules([], [], false, trace.Limits[id]), 1, trace.Arrivals[id])
        {
            Arrival = id + 1,
        };
        _sequences[id] = new Sequence(request, new PageTable(new PagePool(1), new TableShape(16)));
        _waiting.Add(id);
        order.Arrive(_sequences[id]!, true);
    }

    private List<int> Attempt(long now, List<int> dropped)
    {
        List<int> chosen = [];
        if (_running.Count >= trace.MaxRunning)
        {
            return chosen;
        }

        if (router.TurnsRound)
        {
            _counts.Attempt(_waiting.Count + _ghosts.Count);
        }

        bool isFull = false;
        order.Begin([.. _running.Select(id => _sequences[id]!)], now);
        foreach (ExpiredRequest expired in order.Expired(now))
        {
            int id = (int)expired.Request.Arrival - 1;
            order.Leave(_sequences[id]!);
            _waiting.Remove(id);
            dropped.Add(id);
        }

        dropped.Sort((a, b) => b.CompareTo(a));
        List<int> counted = [];
        HashSet<int> adapters = [.. _running.Select(id => trace.Adapters[id])];
        bool isSecondPass = false;
        int last = 0;
        foreach (Sequence next in Walk())
        {
            int id = last = (int)next.Request.Arrival - 1;
            if (isSecondPass && adapters.Contains(trace.Adapters[id]))
            {
                continue;
            }

            if (!Fits(counted, id))
            {
                if (router.Clusters is { } distinct && adapters.Count >= distinct && adapters.Contains(trace.Adapters[id]))
                {
                    // The recorded router goes on with those of other adapters, and goes on counting the one that it has refused.
                    isSecondPass = true;
                    counted.Add(id);
                    continue;
                }

                isFull = true;
                break;
            }

            order.Admit(next);
            next.Request.FirstAdmission = ++_admissions;
            if (router.Charges)
            {
                order.Charge(next, new Served(trace.Prompts[id], 0, 0));
            }

            _waiting.Remove(id);
            chosen.Add(id);
            counted.Add(id);
        }

        LeftRoom |= _waiting.Count > 0 && !isFull;
        if (router.TurnsRound)
        {
            // The recorded queue forgets who was cancelled when it walks past him, or drops him.
            _ghosts.RemoveWhere(id => !isFull || (_counts.GoesFromTheNewest ? id > last : id < last)
                || trace.Arrivals[id] + router.TargetMicroseconds <= now);
            if (chosen.Count > 0)
            {
                _counts.Formed(chosen.Count, _waiting.Count + _ghosts.Count);
            }
        }

        return chosen;
    }

    /// <summary>Who is next, again and again; from the other end when the recorded queue turns round.</summary>
    private IEnumerable<Sequence> Walk()
    {
        if (router.TurnsRound && !_counts.GoesFromTheNewest)
        {
            return All().Reverse();
        }

        return All();

        IEnumerable<Sequence> All()
        {
            for (Sequence? next = order.NextReady(null); next is not null; next = order.NextReady(next))
            {
                yield return next;
            }
        }
    }

    private void ChargeTokens(List<int> ids)
    {
        foreach (int id in router.Charges ? ids : [])
        {
            order.Charge(_sequences[id]!, new Served(0, 1, 0));
        }
    }

    /// <summary>One of the recorded routers charges a whole batch once more whenever somebody of it ends.</summary>
    private void ChargeTwice(List<int> ids, List<int> ended)
    {
        if (router.ChargesTwiceAtEnds && ended.Count > 0)
        {
            ChargeTokens(ids);
        }
    }

    /// <summary>Whether the cells suffice if everybody runs in lockstep to its limit.</summary>
    private bool Fits(List<int> chosen, int candidate)
    {
        int[] starting = [.. chosen, candidate];
        (long Held, long Left)[] rows =
        [
            .. _running.Select(id => ((long)trace.Prompts[id] + _tokens[id], (long)trace.Limits[id] - _tokens[id] - 1)),
            .. starting.Select(id => (trace.Prompts[id] + 1L, trace.Limits[id] - 1L)),
        ];
        long held = 0;
        long need = 0;
        int count = 0;
        foreach ((long tokens, long left) in rows.OrderByDescending(row => row.Left))
        {
            held += tokens;
            need = Math.Max(need, held + (++count * left));
        }

        long adapters = _running.Concat(starting).Select(id => trace.Adapters[id]).Distinct().Where(adapter => adapter >= 0)
            .Sum(adapter => 4L * trace.Ranks[adapter]);
        return need < trace.Pool - adapters && rows.Length <= trace.MaxRunning
            && starting.Sum(id => trace.Prompts[id]) <= trace.PromptLimit;
    }

    private void Advance(List<int> ids, Func<int, double> service, List<int> ended)
    {
        foreach (int id in ids)
        {
            int client = trace.Adapters[id];
            _service[client] = _service.GetValueOrDefault(client) + (service(id) / trace.Weights.GetValueOrDefault($"{client}", 1));
            if (++_tokens[id] >= trace.Outputs[id] || _cancelled.Contains(id))
            {
                ended.Add(id);
            }
        }
    }

    private void NoteGaps()
    {
        int[] backlogged = [.. _waiting.Select(id => trace.Adapters[id]).Distinct()];
        (int First, int Second)[] over =
            [.. _spans.Keys.Where(pair => !backlogged.Contains(pair.Item1) || !backlogged.Contains(pair.Item2))];
        foreach ((int, int) pair in over)
        {
            _spans.Remove(pair);
        }

        foreach (int first in backlogged)
        {
            foreach (int second in backlogged.Where(second => second > first))
            {
                double difference = _service.GetValueOrDefault(first) - _service.GetValueOrDefault(second);
                (double least, double most) = _spans.GetValueOrDefault((first, second), (difference, difference));
                (least, most) = (Math.Min(least, difference), Math.Max(most, difference));
                _spans[(first, second)] = (least, most);
                Gap = Math.Max(Gap, most - least);
            }
        }
    }
}
