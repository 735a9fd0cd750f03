using System.Collections.Immutable;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The communicators of all shards, one each. A shard's thread uses its own between <see cref="Enter"/> and <see cref="Leave"/>; when a
/// shard has failed, all are aborted, so that no device waits for what will not be sent.
/// </summary>
internal sealed class NcclRanks : IDisposable
{
    private readonly ImmutableArray<PrimaryContext> _contexts;
    private readonly nint[] _communicators;
    private readonly Lock[] _gates;

    /// <summary>Makes a communicator for each device.</summary>
    /// <param name="library">The library.</param>
    /// <param name="contexts">The contexts of the shards' devices; they outlast this.</param>
    /// <exception cref="GpuException">NCCL refuses them.</exception>
    public NcclRanks(Nccl library, ImmutableArray<PrimaryContext> contexts)
    {
        Library = library;
        _contexts = contexts;
        contexts[0].Enter();
        try
        {
            _communicators = library.Connect([.. contexts.Select(context => context.Number)]);
        }
        finally
        {
            contexts[0].Leave();
        }

        _gates = [.. _communicators.Select(_ => new Lock())];
    }

    /// <summary>The library.</summary>
    public Nccl Library { get; }

    /// <summary>The communicator of a shard, before any thread but the caller's uses them.</summary>
    public nint this[int shard] => _communicators[shard];

    /// <summary>The communicator of a shard, which nobody takes away until <see cref="Leave"/>; 0 if it has been aborted.</summary>
    public nint Enter(int shard)
    {
        _gates[shard].Enter();
        return _communicators[shard];
    }

    /// <summary>The shard has done with its communicator for now.</summary>
    public void Leave(int shard) => _gates[shard].Exit();

    /// <summary>
    /// Ends what all communicators wait for, and frees them; does not throw. Connections were made when the engine was built, so that no
    /// thread is held up between <see cref="Enter"/> and <see cref="Leave"/>.
    /// </summary>
    public void Abort() => End(static (library, communicator) => library.Abort(communicator));

    /// <summary>Frees the communicators, of which nothing is under way.</summary>
    public void Dispose() => End(static (library, communicator) => library.Destroy(communicator));

    private void End(Action<Nccl, nint> end)
    {
        for (int shard = 0; shard < _communicators.Length; shard++)
        {
            lock (_gates[shard])
            {
                if (_communicators[shard] == 0)
                {
                    continue;
                }

                // NCCL makes its own context the thread's.
                bool entered = _contexts[shard].TryEnter();
                end(Library, _communicators[shard]);
                _communicators[shard] = 0;
                if (entered)
                {
                    _contexts[shard].Leave();
                }
            }
        }
    }
}
