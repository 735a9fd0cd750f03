using NUnit.Framework;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Core.Tests.Scheduling;
using SLoRA.Engine;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>
/// The model: an engine, and beside it what each name stands for, what was asked and what has gone wrong. Everything happens on the test's
/// thread, apart from the reading of files and the waking of consumers, for both of which it waits; so an operation does the same whenever
/// a history is repeated.
/// </summary>
internal sealed class EngineHistory : IDisposable
{
    /// <summary>Bytes of a page of the tiny model.</summary>
    public const int PageBytes = 12288;

    // The last one's contents are of kinds that a request has alone.
    private static readonly string[] Names = ["a", "b", "c", "d", Lone];
    private const string Lone = "lone";
    private static readonly float[] Weights = [1, 0.5f, -0.25f];

    private readonly AloneAnswers _alone;
    private readonly HistoryLog? _log;
    private readonly ManualClock _clock = new();
    private readonly SteppedReadings _readings;
    private readonly SteppedEngine _engine;
    private readonly Dictionary<string, NamedContent> _names = [];
    private readonly List<AskedRequest> _asked = [];
    private readonly List<AskedRequest> _open = [];
    private readonly List<Action> _afterStep = [];
    private readonly List<(Task Task, SteppedPackage? Package)> _brought = [];
    private readonly List<Disk> _disks = [];
    private AdapterCacheOptions _cache = null!;

    /// <summary>Begins a history.</summary>
    /// <param name="alone">The answers that there must be.</param>
    /// <param name="backend">Says what computes.</param>
    /// <param name="seed">Draws options and names.</param>
    /// <param name="log">Told of everything; null to go faster.</param>
    /// <param name="overlaps">Whether a step publishes while the next one computes.</param>
    public EngineHistory(
        AloneAnswers alone, Action<LoraServingEngineBuilder> backend, int seed, HistoryLog? log = null, bool overlaps = false)
    {
        _alone = alone;
        _log = log;
        _readings = new SteppedReadings(log);
        var random = new Random(seed);
        bool overCommits = random.Next(2) == 0;
        Adopts = random.Next(2) == 0;
        ConsumerTimeout = random.Next(4) switch
        {
            0 => Timeout.InfiniteTimeSpan,
            1 => TimeSpan.FromSeconds(1),
            2 => TimeSpan.FromSeconds(20),
            _ => TimeSpan.FromMinutes(2)
        };
        _engine = new SteppedEngine(
            builder =>
            {
                backend(builder);
                builder.UseTimeProvider(_clock)
                    .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (random.Next(38, 64) * PageBytes, random.Next(3) > 0))
                    // Readers never rest: the engine waits for them. What is copied between two steps is the least all the same, for the
                    // clock measures no time.
                    .ConfigureAdapters(own => (_cache, own.MaxConcurrentLoads, own.PageInShare, own.ChangedContent) = (own, 3, 1, Adopts
                        ? ChangedContent.Adopt
                        : ChangedContent.Refuse))
                    .ConfigureScheduling(scheduling =>
                    {
                        scheduling.MaxRowsPerStep = 16;
                        scheduling.MaxRunning = random.Next(5, 14);
                        scheduling.StreamBuffer = random.Next(1, 7);
                        scheduling.OverCommit = overCommits;
                        scheduling.OverCommitLookahead = random.Next(0, 6);
                        scheduling.Preemption = (PreemptionMode)random.Next(3);
                        scheduling.SwapBytes = random.Next(0, 24) * PageBytes;
                        scheduling.ConsumerTimeout = ConsumerTimeout;
                    });
            },
            chunkLimit: random.NextChunk,
            reading: _readings.Between,
            overlaps: overlaps,
            order: OrderOf(seed));
        foreach (string name in Names)
        {
            Register(name, ContentOf(name, random.Next(30)), reads: random.Next(2) == 0, replace: false);
        }
    }

    private IQueueOrder? OrderOf(int seed) => (seed % 7) switch
    {
        1 or 3 => new PolicyOrder(RandomPolicy.Draw(new Random(seed), limitsRates: false), _clock),
        2 => new LastCome(),
        5 => new LeastServed(name => 1 + (name.Length % 2)),
        _ => null,
    };

    public HistoryCounts Counts { get; } = new();

    public TimeSpan Now { get; private set; }

    /// <summary>An adapter has been pinned at some time.</summary>
    public bool HasPinned { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Whether what lies in an overwritten folder is served when it is read again.</summary>
    public bool Adopts { get; }

    /// <summary>How long a consumer may take nothing.</summary>
    public TimeSpan ConsumerTimeout { get; }

    private EngineLoop Loop => _engine.Loop;

    /// <summary>Does one operation.</summary>
    public void Apply(Operation operation)
    {
        _log?.Note($"{operation}");
        int argument = operation.Argument;
        string name = Names[argument % Names.Length];
        if (IsDisposed && operation.Kind is not (OperationKind.Generate or OperationKind.Evict))
        {
            return;
        }

        switch (operation.Kind)
        {
            case OperationKind.Step:
                Step();
                break;
            case OperationKind.Steps:
                for (int i = 0; i <= argument % 16; i++)
                {
                    Step();
                }

                break;
            case OperationKind.Generate:
                Generate(argument);
                break;
            case OperationKind.Register or OperationKind.Replace:
                Register(name, ContentOf(name, argument / 4), argument / 32 % 2 == 0,
                    operation.Kind == OperationKind.Replace);
                break;
            case OperationKind.Unregister:
                bool isNamed = _names.Remove(name);
                Expect(_engine.Adapters.UnregisterAsync(name), removed => Assert.That(removed, Is.EqualTo(isNamed), "removed"));
                break;
            case OperationKind.Cancel when _open.Count > 0:
                _open[argument % _open.Count].Consumer.Cancel();
                break;
            case OperationKind.Abandon when _open.Count > 0:
                _open[argument % _open.Count].Consumer.Abandon();
                break;
            case OperationKind.Stall when _open.Count > 0:
                _open[argument % _open.Count].Consumer.IsStalled = true;
                break;
            case OperationKind.Resume:
                foreach (AskedRequest request in _open)
                {
                    request.Consumer.IsStalled &= argument % 3 > 0 && request != _open[argument % _open.Count];
                    request.Consumer.Read();
                }

                break;
            case OperationKind.Pin:
                HasPinned = true;
                _brought.Add((_engine.Adapters.PinAsync(name), _names.GetValueOrDefault(name)?.Package));
                break;
            case OperationKind.Preload:
                _brought.Add((_engine.Adapters.PreloadAsync(name), _names.GetValueOrDefault(name)?.Package));
                break;
            case OperationKind.Unpin:
                Expect(_engine.Adapters.UnpinAsync(name), _ => { });
                break;
            case OperationKind.Evict:
                Evict(name);
                break;
            case OperationKind.SetHostBytes:
                _cache.HostBytes = argument % 3 == 0 ? 1L << 30 : argument % 60 * 8192L;
                break;
            case OperationKind.BreakReads:
                SetDisk(name, DiskState.Fails);
                break;
            case OperationKind.HangReads:
                SetDisk(name, DiskState.Hangs);
                break;
            case OperationKind.Heal:
                Heal();
                break;
            case OperationKind.DelayLoads:
                _readings.Delay = 1 + (argument % 8);
                break;
            case OperationKind.Advance:
                Advance(TimeSpan.FromMilliseconds((argument % 5) switch { 0 => 1, 1 => 100, 2 => 900, 3 => 12_000, _ => 31_000 }));
                break;
            case OperationKind.Overwrite when _names.TryGetValue(name, out NamedContent? overwritten):
                _readings.Settle();
                overwritten.Package.Become(ContentOf(name, argument / 4));
                Counts.Add("overwritten folders");
                break;
            case OperationKind.Refresh:
                Refresh(name);
                break;
            case OperationKind.DropCaches:
                Loop.DropCaches();
                break;
            case OperationKind.Dispose:
                End();
                Counts.Add("disposals");
                break;
        }

        Counts.Add("operations");
    }

    /// <summary>Lets everything end, and fails the test unless every answer is right and everything has been given back.</summary>
    public void Finish()
    {
        Heal();
        _readings.Delay = 0;
        if (!IsDisposed)
        {
            foreach (string name in _names.Keys)
            {
                Expect(_engine.Adapters.UnregisterAsync(name), removed => Assert.That(removed, Is.True));
            }
        }

        for (int steps = 0; !IsDisposed && (_open.Count > 0 || steps < 2); steps++)
        {
            Assert.That(steps, Is.LessThan(20_000), "progress");
            foreach (AskedRequest request in _open)
            {
                request.Consumer.IsStalled = false;
                request.Consumer.Read();
            }

            // A pause after a failure is over some time.
            Advance(TimeSpan.FromMilliseconds(1));
            Step();
        }

        foreach (AskedRequest request in _asked)
        {
            request.Consumer.IsStalled = false;
            request.Consumer.Read();
            request.Check(_alone, this);
            string ending = request.Consumer.Error?.GetType().Name ?? (request.Consumer.WasEnded ? "left" : "answered");
            _log?.Note($"{request}: {ending}, {request.Consumer.Stream.FinishReason} after {request.Consumer.Taken.Count} tokens, "
                + $"{request.Consumer.Stream.Usage}");
            Counts.Add(ending);
        }

        CheckBrought();
        if (!IsDisposed)
        {
            Counts.Add("steps", _engine.Status.LastStep.Number);
            Counts.Add("tokens from the prefix cache", Loop.PrefixCache?.Counters.HitTokens ?? 0);
            Counts.Add("preemptions", Loop.Preemption.Counters.Preempted);
            Counts.Add("requests that passed one before them", Loop.Passed);
            Loop.DropCaches();
            EngineSnapshot snapshot = Loop.Snapshot();
            Assert.That(snapshot.Pool.Free.Length, Is.EqualTo(Loop.TotalPages), "free pages");
            Assert.That((snapshot.Pool.Reserved, snapshot.SwapBlocks, snapshot.Leases.Length), Is.EqualTo((0, 0, 0)),
                "promised pages, swapped pages, leases");
            End();
        }

        Counts.Add("readings", _readings.Begun);
        Assert.That(Loop.Running.Count + Loop.Waiting.Count, Is.Zero, "sequences");
        Assert.That((Loop.Generations.Count, Loop.HostStore.Bytes), Is.EqualTo((0, 0L)), "contents in main memory, their bytes");
        Assert.That(SpinWait.SpinUntil(() => _engine.Intake.Lost == 0, TimeSpan.FromSeconds(30)), Is.True, "threads that read");
    }

    public void Dispose()
    {
        Heal();
        if (!IsDisposed)
        {
            _engine.Dispose();
        }

        _readings.Settle();
        _readings.Deliver();
    }

    private void Step()
    {
        _readings.Deliver();
        Loop.Step();
        foreach (AskedRequest request in _open)
        {
            request.Consumer.Settle();
        }

        _log?.NoteStep(Loop);
        Counts.Add("steps while pages are written", Loop.DeviceCache.PagingIn.Count > 0 ? 1 : 0);
        foreach (Action check in _afterStep)
        {
            check();
        }

        _afterStep.Clear();
        foreach (AskedRequest request in _open)
        {
            request.Consumer.Read();
        }

        _open.RemoveAll(request => request.Consumer.IsDone);
    }

    private string ContentOf(string name, int index)
    {
        string[] contents = name == Lone ? AloneAnswers.LoneContents : AloneAnswers.Contents;
        return contents[index % contents.Length];
    }

    private void Generate(int argument)
    {
        var question = Question.Of(argument / 128);
        string[] names = (argument % 8) switch
        {
            0 or 1 => [],
            5 => [Lone],
            6 => [Names[argument / 8 % 4], Names[((argument / 8) + 1 + (argument / 32 % 3)) % 4]],
            7 => [Names[argument / 8 % 4], Names[((argument / 8) + 1) % 4], Names[((argument / 8) + 2) % 4]],
            _ => [Names[argument / 8 % 4]],
        };
        (string Name, float Weight)[] uses =
            [.. names.Select((name, place) => (name, names.Length == 1 ? 1 : Weights[((argument / 32) + place) % 3]))];
        TimeSpan? deadline = argument % 11 == 0 ? TimeSpan.FromMilliseconds(argument % 3 == 0 ? 50 : 5000) : null;
        GenerationRequest request = question.ToRequest() with
        {
            Adapter = names.Length == 1 ? names[0] : null,
            Adapters = names.Length == 1 ? [] : [.. uses.Select(use => new AdapterUse(use.Name, use.Weight))],
            Deadline = deadline,
            CacheSalt = argument % 5 == 0 ? "salt" : null,
        };
        var asked = new AskedRequest(
            new SteppedConsumer(_engine, request), question, [.. uses.Select(use => (_names.GetValueOrDefault(use.Name), use.Weight))],
            deadline, Now);
        asked.Consumer.IsStalled = argument % 13 == 0;
        _asked.Add(asked);
        _open.Add(asked);
    }

    private void Register(string name, string content, bool reads, bool replace)
    {
        var package = new SteppedPackage(name, content);
        (AdapterHeaders headers, PageImage? image) =
            _engine.Intake.Read(package, reads ? AdapterValidation.Content : AdapterValidation.Headers, default);
        var call = new Call<bool>(loop =>
        {
            loop.Names.Register(new AdapterRegistration(name, headers), image, replace);
            return true;
        });
        bool isTaken = _names.ContainsKey(name) && !replace;
        Loop.Port.Post(call);
        if (!isTaken)
        {
            _names[name] = new NamedContent(content, package, reads, 0);
        }

        _afterStep.Add(() =>
        {
            if (IsDisposed && call.Result.Exception?.InnerException is EngineDisposedException)
            {
                image?.Dispose();
            }
            else if (isTaken)
            {
                Assert.That(() => call.Result.GetAwaiter().GetResult(), Throws.TypeOf<AdapterExistsException>());
            }
            else
            {
                Assert.That(call.Result.GetAwaiter().GetResult(), Is.True);
            }
        });
    }

    /// <summary>
    /// What <see cref="AdapterCollection.RefreshAsync"/> does, one part after the other. A disk that hangs would keep it for ever.
    /// </summary>
    private void Refresh(string name)
    {
        if (!_names.TryGetValue(name, out NamedContent? named)
            || named.Package.Disk.State != DiskState.Works
            || Loop.Names.Current.GetValueOrDefault(name) is not { Headers: { } headers } registration
            || !ReferenceEquals(headers.Package, named.Package))
        {
            return;
        }

        LoadedAdapter found = _engine.Intake.ReadChangedAsync(name, headers, isFromSource: false, default).GetAwaiter().GetResult()!;
        Expect(Post(loop => loop.Refresh(registration, found)), isOther => Counts.Add("refreshed", isOther ? 1 : 0));
        _names[name] = new NamedContent(named.Package.Contents[^1], named.Package, true, named.Package.Contents.Count - 1);
    }

    private Task<T> Post<T>(Func<EngineLoop, T> action)
    {
        var call = new Call<T>(action);
        Loop.Port.Post(call);
        return call.Result;
    }

    private void Evict(string name)
    {
        bool isNamed = _names.ContainsKey(name);
        if (IsDisposed)
        {
            Assert.That(() => _engine.Adapters.EvictAsync(name).GetAwaiter().GetResult(), Throws.TypeOf<EngineDisposedException>());
            return;
        }

        Task<EvictedAdapter> call = _engine.Adapters.EvictAsync(name);
        _afterStep.Add(() =>
        {
            if (!isNamed && !IsDisposed)
            {
                Assert.That(() => call.GetAwaiter().GetResult(), Throws.TypeOf<AdapterNotFoundException>());
            }
        });
    }

    /// <summary>Looks at the outcome of a command when the next step has taken it.</summary>
    private void Expect<T>(Task<T> command, Action<T> check) => _afterStep.Add(() =>
    {
        try
        {
            check(command.GetAwaiter().GetResult());
        }
        catch (EngineDisposedException) when (IsDisposed)
        {
        }
    });

    private void SetDisk(string name, DiskState state)
    {
        if (_names.TryGetValue(name, out NamedContent? named))
        {
            _readings.Settle();
            var disk = new Disk(state);
            _disks.Add(disk);
            named.Package.Disk = disk;
            named.Package.WasBroken = true;
        }
    }

    private void Heal()
    {
        _readings.Settle();
        foreach (Disk disk in _disks)
        {
            disk.Repair();
        }

        // What hung goes on, whether it is still wanted or not: the threads of both are free before anything else happens.
        _disks.Clear();
        _readings.Settle();
        SpinWait.SpinUntil(() => _engine.Intake.Lost == 0, TimeSpan.FromSeconds(30));
    }

    private void Advance(TimeSpan time)
    {
        _readings.Settle();
        foreach (AskedRequest request in _open)
        {
            request.Consumer.NoteTime(time);
        }

        Now += time;
        _clock.Advance(time);
    }

    /// <summary>Disposes the engine in the middle of everything.</summary>
    private void End()
    {
        IsDisposed = true;
        Heal();
        _engine.Dispose();
        foreach (Action check in _afterStep)
        {
            check();
        }

        _afterStep.Clear();
        Assert.That(Loop.Snapshot().Sequences, Is.Empty);
    }

    private void CheckBrought()
    {
        foreach ((Task task, SteppedPackage? package) in _brought)
        {
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
            _log?.Note($"brought: {task.Exception?.InnerException?.Message ?? "resident"}");
            switch (task.Exception?.InnerException)
            {
                case null:
                    Counts.Add("preloads");
                    break;
                case AdapterNotFoundException or AdapterTooLargeException:
                    break;
                case AdapterLoadException error:
                    Assert.That(package!.WasBroken || (error is AdapterChangedException && package.Contents.Count > 1), Is.True);
                    break;
                case EngineDisposedException:
                    Assert.That(IsDisposed, Is.True);
                    break;
                default:
                    Assert.Fail(task.Exception!.ToString());
                    break;
            }
        }
    }
}
