using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Loading;
using SLoRA.Adapters.Resident;
using SLoRA.Backends;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Engine;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// An engine over the fixture <c>core-llama-gqa</c> that makes a step when the test says so. Invariants are checked after every step.
/// </summary>
internal sealed class SteppedEngine : IDisposable
{
    /// <summary>The tokens that begin what the fixture's activated adapter acts on.</summary>
    public static readonly IReadOnlyList<int> Invocation = [7, 250, 31];

    /// <summary>The adapters of the fixture, and those that are made for it: of every kind and in every form.</summary>
    public static readonly IReadOnlyList<string> AllAdapterNames =
    [
        .. MadeAdapters.Names,
        .. Directory.GetDirectories(RepositoryFolder.Fixture("core-llama-gqa", "adapters")).Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Those of them that are plain LoRA.</summary>
    public static readonly IReadOnlyList<string> AdapterNames =
        [.. AllAdapterNames.Except(MadeAdapters.Names).Where(name => !name.StartsWith("later-", StringComparison.Ordinal))];

    private readonly EngineAssembly _assembly;

    public SteppedEngine(
        Action<LoraServingEngineBuilder>? configure = null,
        Func<int>? chunkLimit = null,
        IEnumerable<string>? adapters = null,
        IProgress<LoadProgress>? progress = null,
        Func<ReadContent, ReadContent>? reading = null,
        bool overlaps = false,
        IQueueOrder? order = null)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .ConfigurePool(pool => pool.Bytes = 8L << 20)
            .ConfigureScheduling(scheduling => (scheduling.StreamBuffer, scheduling.OverlapPublishing) = (1024, overlaps))
            .CheckInvariants();
        foreach (string adapter in adapters ?? [])
        {
            builder.AddAdapter(adapter, AdapterFolder(adapter));
        }

        configure?.Invoke(builder);
        _assembly = builder.Assemble(progress, chunkLimit: chunkLimit, reading: reading, order: order);
        Adapters = new AdapterCollection(_assembly.Loop, _assembly.Intake, _assembly.Logger);
    }

    public EngineLoop Loop => _assembly.Loop;

    public AdapterCollection Adapters { get; }

    public EngineStatus Status => Loop.Monitor.Status();

    public IPageMemory Pages => _assembly.Backend.Pages;

    public AdapterIntake Intake => _assembly.Intake;

    public AdapterCacheOptions AdapterCache => _assembly.AdapterCache;

    public int VocabularySize => _assembly.Model.VocabularySize;

    public static string AdapterFolder(string name) =>
        MadeAdapters.Find(name) ?? RepositoryFolder.Fixture("core-llama-gqa", "adapters", name);

    /// <summary>Hands a request in and collects its answer in the background; the request has arrived when this returns.</summary>
    public Answer Ask(GenerationRequest request, CancellationToken cancellation = default) => new(Stream(request, cancellation));

    /// <summary>The answer to a request that is handed in when the test enumerates it.</summary>
    public GenerationStream Stream(GenerationRequest request, CancellationToken cancellation = default)
    {
        (GenerationRequest accepted, int maxTokens) = RequestRules.Accept(
            request, _assembly.Model, _assembly.Scheduling, Loop.Names.AddedTokensOf);
        return new GenerationStream(Loop.Port, accepted, maxTokens, cancellation);
    }

    /// <summary>Makes steps until these answers have ended.</summary>
    public void Finish(params IEnumerable<Answer> answers)
    {
        while (true)
        {
            bool computed = Loop.Step();
            if (answers.All(answer => answer.Stream.FinishReason is not null))
            {
                return;
            }

            if (!computed)
            {
                // Content is being read in the background, or a consumer has not run yet.
                Loop.Port.Wait();
            }
        }
    }

    /// <summary>Registers a package by its headers.</summary>
    public void Register(AdapterPackage package) =>
        Loop.Names.Register(
            new AdapterRegistration(package.Name, Intake.Read(package, AdapterValidation.Headers, default).Headers), null, replace: false);

    /// <summary>Makes steps, and waits in between, until a condition holds.</summary>
    public void StepUntil(Func<bool> condition)
    {
        while (!condition())
        {
            if (!Loop.Step() && !condition())
            {
                Loop.Port.Wait();
            }
        }
    }

    /// <summary>Awaits a command, making steps when something happens.</summary>
    public T Run<T>(Task<T> command)
    {
        Run((Task)command);
        return command.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Run{T}(Task{T})"/>
    public void Run(Task command)
    {
        command.ContinueWith(_ => Loop.Port.WakeUp(), TaskContinuationOptions.ExecuteSynchronously);
        while (!command.IsCompleted)
        {
            // While files are read nothing happens here, however long it takes: requests go on when the outcome is posted.
            if (Loop.Preloads.Count == 0)
            {
                Loop.Port.Wait();
            }

            Loop.Step();
        }

        command.GetAwaiter().GetResult();
    }

    /// <summary>Drops what is kept for later, so that only leaks are left.</summary>
    public void DropCaches()
    {
        Loop.Step();
        Loop.DropCaches();
    }

    public void Dispose()
    {
        Loop.End(new EngineDisposedException());
        _assembly.Dispose();
    }
}

/// <summary>One request and what has come of it.</summary>
internal sealed class Answer
{
    private readonly List<GeneratedToken> _tokens = [];

    public Answer(GenerationStream stream)
    {
        Stream = stream;
        Completion = Collect();
    }

    public GenerationStream Stream { get; }

    public Task Completion { get; }

    public IReadOnlyList<int> Tokens
    {
        get
        {
            return [.. Items.Select(token => token.Id)];
        }
    }

    public IReadOnlyList<GeneratedToken> Items
    {
        get
        {
            Completion.GetAwaiter().GetResult();
            return _tokens;
        }
    }

    public Exception? Error
    {
        get
        {
            ((IAsyncResult)Completion).AsyncWaitHandle.WaitOne();
            return Completion.IsCanceled ? new OperationCanceledException() : Completion.Exception?.InnerException;
        }
    }

    private async Task Collect()
    {
        await foreach (GeneratedToken token in Stream)
        {
            _tokens.Add(token);
        }
    }
}
