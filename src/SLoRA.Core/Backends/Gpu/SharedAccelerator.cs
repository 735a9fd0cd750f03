using System.Collections.Concurrent;
using System.Reflection;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// ILGPU's context and accelerator of one device, and what kernels were compiled to. All engines of a process that use the device share
/// them: a context of the driver's own costs about a second and hundreds of megabytes. It closes with its last user. Everything that
/// creates, compiles or frees goes through <see cref="Gate"/>, since ILGPU's objects are not made for several threads; launches and copies
/// do not need it.
/// </summary>
internal sealed class SharedAccelerator
{
    private static readonly Lock _registry = new();
    private static readonly Dictionary<(GpuDriver Driver, int Device), SharedAccelerator> _open = [];

    // By what the code is made for, so that a device that is opened again, or another of its kind, waits for no compiler.
    private static readonly ConcurrentDictionary<(MethodInfo Kernel, string Target), CompiledKernel> _compiled = [];

    // ILGPU keeps what a thread was bound to before the driver agrees, and then believes it.
    private static readonly PropertyInfo _current = typeof(Accelerator).GetProperty(nameof(ILGPU.Runtime.Accelerator.Current))!;

    // An object whose constructor fails in the driver is registered already, and its finalizer would call the driver on the collector's
    // thread.
    private static readonly FieldInfo? _children =
        typeof(Accelerator).GetField("childObjects", BindingFlags.Instance | BindingFlags.NonPublic);

    // Kernels that nobody uses now. An engine has its own while it lives, since OpenCL keeps a launch's arguments in the kernel.
    private readonly Dictionary<MethodInfo, Stack<Kernel>> _idle = [];
    private readonly Context _context;
    private (GpuDriver Driver, int Device)? _key;
    private int _users = 1;
    private volatile bool _faulted;

    /// <summary>Takes over a context and its accelerator.</summary>
    /// <param name="context">ILGPU's context.</param>
    /// <param name="accelerator">The device in it.</param>
    /// <param name="name">Driver and model, for messages.</param>
    /// <param name="lacksGenericAddresses">Whether sources of kernels must not name generic addresses.</param>
    public SharedAccelerator(Context context, Accelerator accelerator, string name, bool lacksGenericAddresses = false)
    {
        _context = context;
        Accelerator = accelerator;
        Name = name;
        LacksGenericAddresses = lacksGenericAddresses;
    }

    /// <summary>ILGPU's device.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>Driver and model.</summary>
    public string Name { get; }

    /// <summary>Whether the word for generic addresses has to be defined away in the sources of kernels.</summary>
    public bool LacksGenericAddresses { get; }

    /// <summary>Held while something is created, compiled or freed.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The open accelerator of a device, or a new one.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="device">Index of the device.</param>
    /// <param name="open">Opens it. Called at most once at a time in the process.</param>
    public static SharedAccelerator Acquire(GpuDriver driver, int device, Func<int, SharedAccelerator> open)
    {
        lock (_registry)
        {
            if (_open.TryGetValue((driver, device), out SharedAccelerator? shared) && !shared._faulted)
            {
                shared._users++;
                return shared;
            }

            shared = open(device);
            shared._key = (driver, device);
            _open[(driver, device)] = shared;
            return shared;
        }
    }

    /// <summary>The driver has failed: a context is of no use after that, so it is not handed out again. Its users keep it.</summary>
    public void MarkFaulted() => _faulted = true;

    /// <summary>Makes the device the calling thread's.</summary>
    public void Bind()
    {
        try
        {
            Accelerator.Bind();
        }
        catch
        {
            ForgetCurrent();
            throw;
        }
    }

    /// <summary>Creates an object of the accelerator; if that fails, nothing of it is left.</summary>
    public T Create<T>(Func<Accelerator, T> create)
    {
        lock (Gate)
        {
            Bind();
            int children = Accelerator.NumberChildObjects;
            try
            {
                return create(Accelerator);
            }
            catch
            {
                FreeHalfMade(children);
                throw;
            }
        }
    }

    /// <summary>
    /// Frees an object. An error of the driver says that the device failed before; it is noted, and the memory goes with the context.
    /// </summary>
    public void Free(AcceleratorObject item)
    {
        lock (Gate)
        {
            // A finalizer would try again, on the collector's thread, and end the process there.
            GC.SuppressFinalize(item);
            try
            {
                Bind();
                item.Dispose();
            }
            catch (AcceleratorException)
            {
                MarkFaulted();
                ForgetCurrent();
            }
        }
    }

    /// <summary>What a kernel was compiled to.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="target">What the code is made for; null if it is for this accelerator alone.</param>
    /// <param name="compile">Compiles it.</param>
    public CompiledKernel Compiled(MethodInfo kernel, string? target, Func<Accelerator, CompiledKernel> compile)
    {
        lock (Gate)
        {
            if (target is not null && _compiled.TryGetValue((kernel, target), out CompiledKernel? compiled))
            {
                return compiled;
            }

            try
            {
                compiled = compile(Accelerator);
            }
            catch
            {
                // A failed compilation leaves ILGPU's context unusable.
                MarkFaulted();
                throw;
            }

            if (target is not null)
            {
                _compiled[(kernel, target)] = compiled;
            }

            return compiled;
        }
    }

    /// <summary>A kernel for one user alone: one that an earlier user gave back, or a new one.</summary>
    /// <param name="method">The kernel.</param>
    /// <param name="load">Loads it.</param>
    public Kernel Take(MethodInfo method, Func<Accelerator, Kernel> load)
    {
        lock (Gate)
        {
            return _idle.TryGetValue(method, out Stack<Kernel>? idle) && idle.TryPop(out Kernel? kernel) ? kernel : Create(load);
        }
    }

    /// <summary>Takes a kernel back, for the next engine on the device.</summary>
    public void GiveBack(MethodInfo method, Kernel kernel)
    {
        lock (Gate)
        {
            if (!_idle.TryGetValue(method, out Stack<Kernel>? idle))
            {
                _idle[method] = idle = [];
            }

            idle.Push(kernel);
        }
    }

    /// <summary>Gives up one use; the last one closes the context.</summary>
    public void Release()
    {
        lock (_registry)
        {
            if (--_users > 0)
            {
                return;
            }

            if (_key is { } key && _open.TryGetValue(key, out SharedAccelerator? open) && ReferenceEquals(open, this))
            {
                _open.Remove(key);
            }

            foreach (Kernel kernel in _idle.Values.SelectMany(static idle => idle))
            {
                Free(kernel);
            }

            Close(_context, Accelerator);
        }
    }

    /// <summary>Closes a context and the accelerator in it, also a half-made one; does not throw the driver's errors.</summary>
    public static void Close(Context context, Accelerator? accelerator)
    {
        try
        {
            foreach (AcceleratorObject child in Children(accelerator))
            {
                GC.SuppressFinalize(child);
            }

            accelerator?.Dispose();
        }
        catch (AcceleratorException)
        {
            // ILGPU binds the device first, which a broken context refuses; only its end gives the memory back.
            if (accelerator is CudaAccelerator)
            {
                CudaAPI.CurrentAPI.DestroyContext(accelerator.NativePtr);
            }
        }
        finally
        {
            ForgetCurrent();
            context.Dispose();
        }
    }

    /// <summary>The calling thread is bound to nothing, whatever ILGPU believes.</summary>
    public static void ForgetCurrent() => _current.SetValue(null, null);

    private void FreeHalfMade(int children)
    {
        if (Accelerator.NumberChildObjects > children && Children(Accelerator).LastOrDefault() is { } half)
        {
            Free(half);
        }
    }

    private static List<AcceleratorObject> Children(Accelerator? accelerator)
    {
        List<AcceleratorObject> alive = [];
        if (accelerator is not null && _children?.GetValue(accelerator) is List<WeakReference<AcceleratorObject>> children)
        {
            foreach (WeakReference<AcceleratorObject> child in children)
            {
                if (child.TryGetTarget(out AcceleratorObject? target))
                {
                    alive.Add(target);
                }
            }
        }

        return alive;
    }
}
