using ILGPU.Runtime;
using SLoRA.Backends.Sharded;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Blocks go through NCCL, which finds a way between any two devices. It works in the context of CUDA's runtime: blocks are copied there
/// and back on the device. Streams wait for each other, and the host for none.
/// </summary>
/// <remarks>
/// One stream does everything there, so that blocks in its context need no turns: what is sent at a meeting has left when that of the next
/// one is copied over it.
/// </remarks>
internal sealed class NcclLink : ShardLink
{
    private const string Purpose = "what shards send each other through NCCL";

    private readonly CudaPeers _driver;
    private readonly NcclRanks _ranks;
    private readonly int _shard;
    private readonly PrimaryContext _context;
    private nint _packed;
    private nint _arrived;
    private nint _sent;
    private nint _received;

    /// <summary>Takes events and a stream.</summary>
    /// <param name="device">The device.</param>
    /// <param name="context">Its context for NCCL; disposed of with this.</param>
    /// <param name="driver">The driver's entry points.</param>
    /// <param name="ranks">The communicators of all shards.</param>
    /// <param name="shard">Which shard it is.</param>
    /// <exception cref="GpuException">The driver does not give them.</exception>
    public NcclLink(GpuDevice device, PrimaryContext context, CudaPeers driver, NcclRanks ranks, int shard)
        : base(device)
    {
        (_driver, _ranks, _shard, _context) = (driver, ranks, shard, context);
        try
        {
            device.Bind();
            _packed = CudaPeers.CreateEvent(device);
            context.Enter();
            try
            {
                _arrived = CudaPeers.CreateEvent(device);
            }
            finally
            {
                context.Leave();
            }
        }
        catch
        {
            FreeEvents();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Name => "NCCL";

    /// <summary>
    /// Lets every pair of shards send each other a number, on this thread and waiting for it: connections are made now, and what a link
    /// refuses is refused before a weight is read.
    /// </summary>
    /// <exception cref="GpuException">They cannot be made.</exception>
    public static void Introduce(NcclRanks ranks, ReadOnlySpan<NcclLink> links)
    {
        foreach (NcclLink link in links)
        {
            link.Reserve(links.Length);
        }

        links[0]._context.Enter();
        try
        {
            ranks.Library.StartGroup();
            for (int shard = 0; shard < links.Length; shard++)
            {
                for (int peer = 0; peer < links.Length; peer++)
                {
                    if (peer != shard)
                    {
                        links[shard].Move(ranks[shard], new BlockMove(peer, 0, 1, 0, 1, peer));
                    }
                }
            }

            ranks.Library.EndGroup();
        }
        finally
        {
            links[0]._context.Leave();
        }

        foreach (NcclLink link in links)
        {
            link._context.Synchronize();
        }
    }

    /// <inheritdoc/>
    public override void Show(int turn, long numbers)
    {
        Device.Bind();
        CudaPeers.Record(Device, Device.Stream, _packed);
        _context.Enter();
        try
        {
            _driver.Wait(Device, _context.Stream, _packed);
            if (numbers > 0)
            {
                nint source = Sent(turn).SubView(0, numbers).LoadEffectiveAddressAsPtr();
                _driver.Copy(
                    Device, _sent, _context.Handle, source, Device.Accelerator.NativePtr, numbers * sizeof(float), _context.Stream);
            }
        }
        finally
        {
            _context.Leave();
        }
    }

    /// <inheritdoc/>
    public override void Take(int turn, ReadOnlySpan<BlockMove> moves)
    {
        _context.Enter();
        try
        {
            Exchange(moves);
            foreach (BlockMove move in moves)
            {
                if (move.TakenCount > 0)
                {
                    nint target = Received.SubView(move.To, move.TakenCount).LoadEffectiveAddressAsPtr();
                    _driver.Copy(
                        Device, target, Device.Accelerator.NativePtr, At(_received, move.To), _context.Handle,
                        move.TakenCount * sizeof(float), _context.Stream);
                }
            }

            CudaPeers.Record(Device, _context.Stream, _arrived);
        }
        finally
        {
            _context.Leave();
        }

        Device.Bind();
        _driver.Wait(Device, Device.Stream, _arrived);
    }

    /// <inheritdoc/>
    protected override void DrainCopies() => _context.Drain();

    /// <inheritdoc/>
    protected override void Resize(long numbers)
    {
        FreeMemory();
        _sent = _context.Allocate(numbers * sizeof(float), Purpose);
        _received = _context.Allocate(numbers * sizeof(float), Purpose);
    }

    /// <inheritdoc/>
    protected override void Free()
    {
        FreeMemory();
        FreeEvents();
        _ranks.Dispose();
        _context.Dispose();
    }

    private static nint At(nint memory, long numbers) => memory + (nint)(numbers * sizeof(float));

    /// <summary>Sends and receives, all at once.</summary>
    private void Exchange(ReadOnlySpan<BlockMove> moves)
    {
        nint communicator = _ranks.Enter(_shard);
        try
        {
            if (communicator == 0)
            {
                throw new CalledOffException();
            }

            _ranks.Library.StartGroup();
            try
            {
                foreach (BlockMove move in moves)
                {
                    Move(communicator, move);
                }
            }
            catch
            {
                _ranks.Library.LeaveGroup();
                throw;
            }

            _ranks.Library.EndGroup();
        }
        catch (GpuException error)
        {
            throw Device.Noted(error);
        }
        finally
        {
            _ranks.Leave(_shard);
        }
    }

    private void Move(nint communicator, in BlockMove move)
    {
        if (move.SentCount > 0)
        {
            _ranks.Library.Send(At(_sent, move.Sent), move.SentCount, move.Peer, communicator, _context.Stream);
        }

        if (move.TakenCount > 0)
        {
            _ranks.Library.Receive(At(_received, move.To), move.TakenCount, move.Peer, communicator, _context.Stream);
        }
    }

    private void FreeMemory()
    {
        _context.Free(_sent);
        _context.Free(_received);
        (_sent, _received) = (0, 0);
    }

    private void FreeEvents()
    {
        foreach (nint item in (ReadOnlySpan<nint>)[_packed, _arrived])
        {
            if (item != 0)
            {
                Device.FreeEvent(item);
            }
        }

        (_packed, _arrived) = (0, 0);
    }
}
