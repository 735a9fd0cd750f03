using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu;
using SLoRA.Core.Tests.Backends.Gpu.Lint;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// Loads kernels as the text that a driver would get, and launches them in the interpreter: a backend over it is that of the tests on
/// devices with nothing changed but who computes. Its device must have its memory in this process.
/// </summary>
internal sealed class PtxKernelLoader(GpuDevice device) : KernelLoader(device)
{
    private static readonly MethodInfo _launch =
        typeof(PtxKernelLoader).GetMethod(nameof(Launch), BindingFlags.NonPublic | BindingFlags.Static)!;

    private static readonly Dictionary<MethodInfo, PtxKernel> _parsed = [];

    // Shards launch from threads of their own.
    private static readonly Lock _one = new();

    /// <summary>Names of the kernels that were launched.</summary>
    public static HashSet<string> Launched { get; } = [];

    /// <summary>The same, one after another; whoever looks at them clears them before.</summary>
    public static List<string> Launches { get; } = [];

    /// <summary>Where launches go instead of being run; null for nowhere.</summary>
    public static List<PtxLaunch>? Kept { get; set; }

    /// <inheritdoc/>
    public override TLauncher Load<TLauncher>(Delegate kernel)
    {
        // Kernels are compiled when they are first launched: a backend loads many that a test has no use for.
        MethodInfo method = kernel.Method;
        ParameterExpression[] parameters = [.. typeof(TLauncher).GetMethod("Invoke")!.GetParameters()
            .Select(parameter => Expression.Parameter(parameter.ParameterType, parameter.Name))];
        NewArrayExpression arguments = Expression.NewArrayInit(
            typeof(object), parameters[2..].Select(parameter => Expression.Convert(parameter, typeof(object))));
        return Expression.Lambda<TLauncher>(
            Expression.Call(_launch, Expression.Constant(method), parameters[1], arguments), parameters).Compile();
    }

    private static void Launch(MethodInfo method, KernelConfig config, object[] arguments)
    {
        using Lock.Scope alone = _one.EnterScope();
        if (!_parsed.TryGetValue(method, out PtxKernel? kernel))
        {
            kernel = PtxExecutor.Prepare(PtxParser.Parse(PtxCode.Of(method).Text));
            _parsed.Add(method, kernel);
        }

        string name = $"{method.DeclaringType!.Name}.{method.Name}";
        Launched.Add(name);
        Launches.Add(name);
        var memory = new DeviceMemoryWatch();
        var bytes = new byte[kernel.ParameterBytes];
        for (int i = 0; i < arguments.Length; i++)
        {
            BytesOf(arguments[i], memory).CopyTo(bytes, kernel.ParameterPlaces[i]);
        }

        var launch = new PtxLaunch(
            kernel, (config.GridDim.X, config.GridDim.Y, config.GridDim.Z), config.GroupDim.Size, bytes, memory);
        if (Kept is not null)
        {
            Kept.Add(launch);
            return;
        }

        launch.Run();
    }

    /// <summary>An argument as it is passed: views are an address and a length.</summary>
    private static byte[] BytesOf(object argument, DeviceMemoryWatch memory)
    {
        if (argument is IArrayView view)
        {
            Type element = argument.GetType().GetGenericArguments()[0];
            nint address = view.Length > 0 ? (nint)Generic(nameof(AddressOf), element).Invoke(null, [argument])! : 0;
            memory.Add(address, view.LengthInBytes);
            return MemoryMarshal.AsBytes<long>([address, view.Length]).ToArray();
        }

        return (byte[])Generic(nameof(BytesOfValue), argument.GetType()).Invoke(null, [argument])!;
    }

    private static MethodInfo Generic(string name, Type type) =>
        typeof(PtxKernelLoader).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type);

    private static nint AddressOf<T>(ArrayView<T> view)
        where T : unmanaged => view.LoadEffectiveAddressAsPtr();

    private static byte[] BytesOfValue<T>(T value)
        where T : unmanaged
    {
        var bytes = new byte[Unsafe.SizeOf<T>()];
        MemoryMarshal.Write(bytes, in value);
        return bytes;
    }
}
