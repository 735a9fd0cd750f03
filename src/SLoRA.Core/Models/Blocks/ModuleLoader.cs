using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>Puts the tensors of modules on a backend, by the modules' full names, and holds what blocks share.</summary>
/// <param name="backend">Where they go.</param>
/// <param name="source">Tensor name → its bytes.</param>
/// <param name="targets">Name of a module → its index in the directories of adapters.</param>
/// <param name="loaded">Called after each tensor, for progress; may throw to cancel.</param>
internal sealed class ModuleLoader(
    IBackend backend, Func<string, WeightSource> source, IReadOnlyDictionary<string, int> targets, Action<WeightSource> loaded)
{
    private readonly Dictionary<RopeDescription, DeviceRope> _ropes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<RowsKey, List<DeviceRows>> _rows = [];
    private LoadedPerLayerInputs? _perLayerInputs;

    /// <summary>Loads a product.</summary>
    /// <param name="name">The module's full name.</param>
    /// <param name="module">Its declaration.</param>
    /// <param name="weightName">The module that its weight is stored under, if that is another.</param>
    public LinearPart Linear(string name, LinearModule module, string? weightName = null)
    {
        WeightSource weight = source((weightName ?? name) + ".weight") with { Partition = module.Partition };
        DeviceMatrix matrix = backend.LoadMatrix(weight);
        loaded(weight);
        return new LinearPart(matrix, module.HasBias ? Vector(name + ".bias", BiasOf(module)) : null, targets[name]);
    }

    /// <summary>Loads an embedding table.</summary>
    public DeviceTable Table(string name, EmbeddingModule module)
    {
        WeightSource weight = source(name + ".weight") with { Partition = module.Partition };
        DeviceTable table = backend.LoadTable(weight);
        loaded(weight);
        return table;
    }

    /// <summary>Loads a norm of whole rows.</summary>
    public LoadedNorm Norm(string name, NormModule module) =>
        new(module, NormWeight(name, module), module.HasBias ? Vector(name + ".bias", partition: null) : null);

    /// <summary>Loads the weight of a norm.</summary>
    public DeviceVector NormWeight(string name, NormModule module) =>
        module.WeightOffset == 0
            ? Vector(name + ".weight", partition: null, targets.GetValueOrDefault(name, WeightSource.NoTarget))
            : Vector(name + ".weight", stored => [.. stored.Select(value => value + module.WeightOffset)]);

    /// <summary>The rows of inputs of their own for every layer.</summary>
    public DeviceRows PerLayerRows =>
        _perLayerInputs?.Rows ?? throw new InvalidOperationException("The decoder has not declared inputs for every layer.");

    /// <summary>Loads inputs of their own for every layer; blocks that are loaded from here on find their rows.</summary>
    /// <param name="body">What stands before the names of their modules.</param>
    /// <param name="inputs">What they are.</param>
    public LoadedPerLayerInputs PerLayerInputs(string body, PerLayerInputs inputs)
    {
        string table = body + inputs.Table.Name;
        return _perLayerInputs = new LoadedPerLayerInputs(
            inputs, Table(table, inputs.Table), targets[table],
            LinearGroup.Of([Linear(body + inputs.Projection.Name, inputs.Projection)], null),
            NormWeight(body + inputs.Norm.Name, inputs.Norm), backend.CreateRows(RowSet.Step, inputs.Table.Width),
            backend.CreateRows(RowSet.Step, inputs.Table.Width));
    }

    /// <summary>A vector of ones: the weight of norms that have none.</summary>
    public unsafe DeviceVector Ones(int length)
    {
        float[] ones = [.. Enumerable.Repeat(1f, length)];
        fixed (float* data = ones)
        {
            return backend.LoadVector(new WeightSource("ones", WeightFormat.F32, (nint)data, 1, length) { Stays = false });
        }
    }

    /// <summary>Loads a convolution: its weights <c>[C, 1, K]</c> are turned to <c>[K, C]</c>.</summary>
    public ShortConvolution Convolution(string name, ConvolutionModule module)
    {
        (int channels, int kernel) = (module.Channels, module.Kernel);
        DeviceVector weight = Vector(name + ".weight", stored =>
        {
            var turned = new float[stored.Length];
            for (int i = 0; i < stored.Length; i++)
            {
                turned[(i % kernel * channels) + (i / kernel)] = stored[i];
            }

            return turned;
        });
        return new ShortConvolution(weight, module.HasBias ? Vector(name + ".bias", partition: null) : null, channels, kernel);
    }

    /// <summary>Reads a number that is a setting of a layer.</summary>
    public float Number(string name)
    {
        WeightSource weight = source(name);
        float value = weight.Widened()[0];
        loaded(weight);
        return value;
    }

    /// <summary>A rotation: one object on the device for each description.</summary>
    public DeviceRope Rope(RopeDescription description)
    {
        if (!_ropes.TryGetValue(description, out DeviceRope? rope))
        {
            rope = backend.CreateRope(description);
            _ropes.Add(description, rope);
        }

        return rope;
    }

    /// <summary>The <paramref name="index"/>-th rows of a kind.</summary>
    public DeviceRows Rows(RowsKey key, int index)
    {
        if (!_rows.TryGetValue(key, out List<DeviceRows>? rows))
        {
            _rows.Add(key, rows = []);
        }

        while (rows.Count <= index)
        {
            rows.Add(backend.CreateRows(RowSet.Step, key.Width, key.Splits));
        }

        return rows[index];
    }

    /// <summary>A bias is cut as the outputs are; that of a sum which shards have parts of is added to the whole sum.</summary>
    private static Partition? BiasOf(LinearModule module) =>
        module.Partition is { Axis: PartitionAxis.Rows } outputs ? Partition.Inputs(outputs.Split) : null;

    private DeviceVector Vector(string tensor, Partition? partition, int target = WeightSource.NoTarget)
    {
        WeightSource weight = source(tensor) with { Partition = partition, Target = target };
        DeviceVector vector = backend.LoadVector(weight);
        loaded(weight);
        return vector;
    }

    /// <summary>Loads a vector that is not as it is stored.</summary>
    private unsafe DeviceVector Vector(string tensor, Func<float[], float[]> change)
    {
        WeightSource weight = source(tensor);
        float[] values = change(weight.Widened());
        fixed (float* data = values)
        {
            DeviceVector vector =
                backend.LoadVector(new WeightSource(tensor, WeightFormat.F32, (nint)data, 1, values.Length) { Stays = false });
            loaded(weight);
            return vector;
        }
    }
}
