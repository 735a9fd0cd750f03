using SLoRA.Evaluation.Workloads;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Fleet;

/// <summary>
/// One engine of a fleet, as much of it as the time of its steps depends on: first come, first served; room for keys and values is promised
/// at admission; adapters share the pool with them and go when they were used longest ago; prompts fill what decode rows leave of a step.
/// A step costs it a few operations, however many requests are in it.
/// </summary>
/// <param name="plan">What it is.</param>
internal sealed class Replica(FleetPlan plan)
{
    private readonly Queue<(int Number, TraceRequest Request, double ReadyAt)> _waiting = new();
    private readonly Queue<Prompt> _prompts = new();
    private readonly PriorityQueue<(int Number, TraceRequest Request), long> _decoding = new();
    private readonly Dictionary<int, int> _rows = [];
    private readonly RecencyCache _pool = new(double.MaxValue);
    private readonly RecencyCache _host = new(plan.HostBytes);
    private double _linkFree;
    private double _cacheTokens;
    private double _context;
    private double _rankRows;
    private double _rankWork;
    private long _steps;
    private int _running;

    /// <summary>Requests that wait or run.</summary>
    public int Load => _waiting.Count + _running;

    /// <summary>Whether a step is under way.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>Requests whose adapter was in the pool.</summary>
    public long PoolHits { get; private set; }

    /// <summary>Requests whose adapter was in main memory at least.</summary>
    public long HostHits { get; private set; }

    /// <summary>Requests that have come.</summary>
    public long Requests { get; private set; }

    /// <summary>Takes a request; what it needs begins to come nearer.</summary>
    public void Submit(int number, TraceRequest request, double now)
    {
        Requests++;
        _waiting.Enqueue((number, request, request.Adapter < 0 ? now : Fetch(request.Adapter, now)));
    }

    /// <summary>Begins a step, if there is something to do.</summary>
    /// <param name="now">The time.</param>
    /// <param name="first">Told of those whose first token the step brings, and when it ends.</param>
    /// <param name="ended">Told of those that it ends.</param>
    /// <returns>When the step ends, or when there may be something to do; null when nothing waits.</returns>
    public double? Step(double now, Action<int, double> first, Action<int, double> ended)
    {
        Admit(now);
        int decodes = _decoding.Count;
        int rowsLeft = plan.RowsPerStep - decodes;
        double rows = decodes;
        double positions = _context;
        List<Prompt> done = [];
        while (rowsLeft > 0 && _prompts.TryPeek(out Prompt? prompt))
        {
            int chunk = Math.Min(rowsLeft, prompt.Left);
            int before = prompt.Request.Prompt - prompt.Left;
            positions += chunk * (before + ((chunk + 1) / 2.0));
            rows += chunk;
            rowsLeft -= chunk;
            prompt.Left -= chunk;
            if (prompt.Left == 0)
            {
                done.Add(_prompts.Dequeue());
            }
        }

        IsBusy = rows > 0;
        if (!IsBusy)
        {
            return _waiting.TryPeek(out (int, TraceRequest, double ReadyAt) next) && next.ReadyAt > now ? next.ReadyAt : null;
        }

        double end = now + plan.Cost.Seconds(
            new StepLoad(rows, decodes + done.Count, positions, _rows.Count, _rankRows, _rankWork));
        _steps++;
        _context += decodes;
        foreach (Prompt prompt in done)
        {
            first(prompt.Number, end);
            _context += prompt.Request.Prompt + 1;
            _decoding.Enqueue((prompt.Number, prompt.Request), _steps + prompt.Request.Output - 1);
        }

        while (_decoding.TryPeek(out (int Number, TraceRequest Request) over, out long last) && last <= _steps)
        {
            _decoding.Dequeue();
            Leave(over.Request);
            ended(over.Number, end);
        }

        return end;
    }

    private void Admit(double now)
    {
        while (_running < plan.Running && _waiting.TryPeek(out (int Number, TraceRequest Request, double ReadyAt) next)
            && next.ReadyAt <= now)
        {
            TraceRequest request = next.Request;
            double tokens = request.Prompt + request.Output - 1;
            double adapter = request.Adapter < 0 ? 0 : plan.RankTokens * plan.RankOf(request.Adapter);
            bool isThere = request.Adapter < 0 || _pool.Touch(request.Adapter);
            double used = _pool.UsedSize + (isThere && (request.Adapter < 0 || _rows.ContainsKey(request.Adapter)) ? 0 : adapter);
            if (_cacheTokens + tokens + used > plan.PoolTokens)
            {
                return;
            }

            if (!isThere)
            {
                _pool.Add(request.Adapter, adapter);
            }

            _waiting.Dequeue();
            _running++;
            _cacheTokens += tokens;
            Enter(request);
            _pool.Shrink(plan.PoolTokens - _cacheTokens);
            _prompts.Enqueue(new Prompt(next.Number, request));
        }
    }

    private void Enter(TraceRequest request)
    {
        if (request.Adapter < 0)
        {
            return;
        }

        int rank = plan.RankOf(request.Adapter);
        int users = _rows.GetValueOrDefault(request.Adapter);
        _rows[request.Adapter] = users + 1;
        _pool.Use(request.Adapter, 1);
        _rankRows += users == 0 ? rank : 0;
        _rankWork += rank;
    }

    private void Leave(TraceRequest request)
    {
        _running--;
        _cacheTokens -= request.Prompt + request.Output - 1;
        _context -= request.Prompt + request.Output;
        if (request.Adapter < 0)
        {
            return;
        }

        int rank = plan.RankOf(request.Adapter);
        int users = _rows[request.Adapter] - 1;
        _pool.Use(request.Adapter, -1);
        _rankWork -= rank;
        if (users > 0)
        {
            _rows[request.Adapter] = users;
            return;
        }

        _rows.Remove(request.Adapter);
        _rankRows -= rank;
    }

    /// <summary>When the content of an adapter can be in the pool.</summary>
    private double Fetch(int adapter, double now)
    {
        double bytes = plan.RankBytes * plan.RankOf(adapter);
        bool isInHost = _host.Touch(adapter);
        HostHits += isInHost ? 1 : 0;
        if (!isInHost)
        {
            _host.Add(adapter, bytes);
        }

        if (_pool.Touch(adapter))
        {
            PoolHits++;
            return now;
        }

        double read = isInHost ? 0 : plan.StorageLatency + (bytes / plan.StorageBandwidth);
        _linkFree = Math.Max(_linkFree, now + read) + (bytes / plan.LinkBandwidth);
        return _linkFree;
    }

    private sealed class Prompt(int number, TraceRequest request)
    {
        public int Number { get; } = number;

        public TraceRequest Request { get; } = request;

        public int Left { get; set; } = request.Prompt;
    }
}
