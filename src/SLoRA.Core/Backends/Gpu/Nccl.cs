using System.Runtime.InteropServices;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// NVIDIA's NCCL, of which sending and receiving is used and no reduction: their order is the library's, and ours must not depend on the
/// number of devices. The library is searched for in the folder <c>NCCL_LIB_DIR</c>, then where the loader looks; it comes by itself, with
/// neither driver nor toolkit.
/// </summary>
/// <remarks>Entry points and values: NCCL documentation, ncclSend, ncclRecv, ncclDataType_t and ncclGetVersion.</remarks>
internal sealed unsafe class Nccl
{
    /// <summary>Names the folder of the library.</summary>
    public const string FolderVariable = "NCCL_LIB_DIR";

    // 2.7 is the first that sends and receives. Up to 2.8 a version was 1000 major + 100 minor, from then on it is 10000 major.
    private const int FirstVersion = 2700;
    private const int Float32 = 7;

    private readonly delegate* unmanaged<nint*, int, int*, int> _connect;
    private readonly delegate* unmanaged<int> _groupStart;
    private readonly delegate* unmanaged<int> _groupEnd;
    private readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> _send;
    private readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> _receive;
    private readonly delegate* unmanaged<nint, int> _destroy;
    private readonly delegate* unmanaged<nint, int> _abort;
    private readonly delegate* unmanaged<int, nint> _describe;

    private Nccl(nint library)
    {
        var version = (delegate* unmanaged<int*, int>)Export(library, "ncclGetVersion");
        _describe = (delegate* unmanaged<int, nint>)Export(library, "ncclGetErrorString");
        int number;
        Check(version(&number), "ncclGetVersion");
        if (number < FirstVersion)
        {
            throw new GpuException(
                GpuError.Unsupported,
                $"Exchange is Nccl, but the NCCL that is installed is version {number}, before 2.7, and cannot send.");
        }

        _connect = (delegate* unmanaged<nint*, int, int*, int>)Export(library, "ncclCommInitAll");
        _groupStart = (delegate* unmanaged<int>)Export(library, "ncclGroupStart");
        _groupEnd = (delegate* unmanaged<int>)Export(library, "ncclGroupEnd");
        _send = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Export(library, "ncclSend");
        _receive = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Export(library, "ncclRecv");
        _destroy = (delegate* unmanaged<nint, int>)Export(library, "ncclCommDestroy");
        _abort = (delegate* unmanaged<nint, int>)Export(library, "ncclCommAbort");
    }

    /// <summary>Loads the library.</summary>
    /// <exception cref="GpuException">It is not found, too old, or lacks an entry point.</exception>
    public static Nccl Load() => DriverLibraries.Load(NativeNames.Nccl, FolderVariable, out string tried) is var library and not 0
        ? new Nccl(library)
        : throw new GpuException(
            GpuError.Unsupported, $"Exchange is Nccl, but NCCL is not found (tried {tried}); {FolderVariable} can name its folder.");

    /// <summary>Makes a communicator for each of some devices of this process.</summary>
    /// <param name="devices">Their numbers, as the CUDA driver counts them.</param>
    /// <exception cref="GpuException">The library refuses.</exception>
    public nint[] Connect(ReadOnlySpan<int> devices)
    {
        var communicators = new nint[devices.Length];
        fixed (nint* created = communicators)
        fixed (int* named = devices)
        {
            Check(_connect(created, devices.Length, named), "ncclCommInitAll");
        }

        return communicators;
    }

    /// <summary>What is sent and received until <see cref="EndGroup"/> goes at the same time.</summary>
    public void StartGroup() => Check(_groupStart(), "ncclGroupStart");

    /// <summary>Sends and receives are complete, and are put on their streams.</summary>
    public void EndGroup() => Check(_groupEnd(), "ncclGroupEnd");

    /// <summary>Ends a group in which a call has failed; does not throw.</summary>
    public void LeaveGroup() => _ = _groupEnd();

    /// <summary>Sends fp32 numbers to another device.</summary>
    public void Send(nint numbers, long count, int peer, nint communicator, nint stream) =>
        Check(_send(numbers, (nuint)count, Float32, peer, communicator, stream), "ncclSend");

    /// <summary>Receives what another device sends.</summary>
    public void Receive(nint numbers, long count, int peer, nint communicator, nint stream) =>
        Check(_receive(numbers, (nuint)count, Float32, peer, communicator, stream), "ncclRecv");

    /// <summary>Frees a communicator of which nothing is under way; does not throw.</summary>
    public void Destroy(nint communicator) => _ = _destroy(communicator);

    /// <summary>Ends whatever a communicator waits for, and frees it; does not throw.</summary>
    public void Abort(nint communicator) => _ = _abort(communicator);

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address)
        ? address
        : throw new GpuException(GpuError.Unsupported, $"Exchange is Nccl, but the NCCL that is installed has no {name}.");

    private void Check(int status, string entryPoint)
    {
        if (status != 0)
        {
            throw new GpuException(
                GpuError.DeviceFailed,
                $"NCCL failed in {entryPoint}: status {status} ({Marshal.PtrToStringUTF8(_describe(status)) ?? "not described"}).");
        }
    }
}
