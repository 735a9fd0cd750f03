using System.Collections.Immutable;
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
    private readonly Dictionary<(int Experts, int Chosen), DeviceRoutes> _routes = [];
    private readonly Dictionary<int, DeviceRoutes> _headRoutes = [];
    private readonly Dictionary<int, DeviceVector> _ones = [];
    private readonly Dictionary<(DeviceRoutes Routes, int Width), List<DeviceRows>> _routedRows = [];
    private LoadedPerLayerInputs? _perLayerInputs;

    /// <summary>Loads a product.</summary>
    /// <param name="name">The module's full name.</param>
    /// <param name="module">Its declaration.</param>
    /// <param name="weightName">The module that its weight is stored under, if that is another.</param>
    /// <param name="givesLogits">Whether it is the head.</param>
    public LinearPart Linear(string name, LinearModule module, string? weightName = null, bool givesLogits = false)
    {
        WeightSource weight =
            source((weightName ?? name) + ".weight") with { Partition = module.Partition, GivesLogits = givesLogits };
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
            ? Vector(name + ".weight", module.Partition, targets[name])
            : Vector(
                name + ".weight", module.Partition, stored => [.. stored.Select(value => value + module.WeightOffset)], targets[name]);

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

    /// <summary>Loads a convolution: its weights <c>[C, 1, K]</c> are turned to <c>[K, C]</c>.</summary>
    public ShortConvolution Convolution(string name, ConvolutionModule module, Func<int, float>? multiplier = null)
    {
        (int channels, int kernel) = (module.Channels, module.Kernel);
        Partition? weights = null;
        Partition? bias = null;
        if (module.Partition is { } channelsOf)
        {
            weights = Partition.Inputs([.. Enumerable.Repeat(channelsOf.Split, kernel)]);
            bias = Partition.Inputs(channelsOf.Split);
        }

        DeviceVector weight = Vector(name + ".weight", weights, stored =>
        {
            var turned = new float[stored.Length];
            for (int i = 0; i < stored.Length; i++)
            {
                turned[(i % kernel * channels) + (i / kernel)] = stored[i] * (multiplier?.Invoke(i / kernel) ?? 1);
            }

            return turned;
        });
        return new ShortConvolution(weight, module.HasBias ? Vector(name + ".bias", bias) : null, channels, kernel);
    }

    /// <summary>Reads a number that is a setting of a layer.</summary>
    public float Number(string name)
    {
        WeightSource weight = source(name);
        float value = weight.Widened()[0];
        loaded(weight);
        return value;
    }

    /// <summary>Loads a vector that is a tensor of its own.</summary>
    public DeviceVector Vector(VectorModule module, string prefix, Func<float, float>? change = null)
    {
        if (change is not null)
        {
            return Vector(prefix + module.Name, module.Partition, stored => [.. stored.Select(change)]);
        }

        WeightSource weight = source(prefix + module.Name);
        DeviceVector vector = backend.LoadVector(weight with
        {
            Rows = 1,
            Columns = weight.Rows * weight.Columns,
            Partition = module.Partition,
        });
        loaded(weight);
        return vector;
    }

    /// <summary>A vector of ones, the same for all blocks.</summary>
    public unsafe DeviceVector Ones(int length)
    {
        if (!_ones.TryGetValue(length, out DeviceVector? vector))
        {
            float[] values = new float[length];
            values.AsSpan().Fill(1);
            fixed (float* data = values)
            {
                vector = backend.LoadVector(new WeightSource("ones", WeightFormat.F32, (nint)data, 1, length) { Stays = false });
            }

            _ones.Add(length, vector);
        }

        return vector;
    }

    /// <summary>Loads one product of every expert of a layer.</summary>
    /// <param name="prefix">What stands before its name.</param>
    /// <param name="module">Its declaration.</param>
    public ExpertLinear Experts(string prefix, ExpertModule module)
    {
        string name = prefix + module.Name;
        using var slices = new ExpertSlices(prefix + module.StoredName, module, source, loaded);
        DeviceExperts weights = backend.LoadExperts(new ExpertSources(
            module.Experts, [.. Enumerable.Repeat(module.PartOutputs, module.Parts)], module.Inputs, slices.Of)
        {
            Owners = module.Owners,
        });
        slices.Complete();
        DeviceVector? bias = module.HasBias ? Bias(prefix + module.StoredName, module) : null;
        var parts = ImmutableArray.CreateBuilder<ExpertTargets>();
        for (int part = 0; part < module.Parts; part++)
        {
            parts.Add(new ExpertTargets(targets[name + module.Part(0, part)], part * module.PartOutputs, module.PartOutputs));
        }

        if (module.Parts > 1)
        {
            parts.Add(new ExpertTargets(targets[$"{name}.0.{module.Parameter}"], 0, module.Outputs));
        }

        return new ExpertLinear(weights, bias, parts.ToImmutable());
    }

    /// <summary>
    /// Loads the product that makes keys and values of a latent, head by head: keys as the product in the other direction, from a query to
    /// the latent, and values as they are.
    /// </summary>
    /// <param name="name">The module's full name.</param>
    /// <param name="module">Its declaration.</param>
    public (ExpertLinear Keys, ExpertLinear Values) Latent(string name, LatentModule module)
    {
        WeightSource weight = source(name + ".weight");
        using var transposed = new TransposedRows(weight);
        int headRows = module.KeyColumns + module.ValueColumns;
        DeviceExperts keys = backend.LoadExperts(new ExpertSources(
            module.Heads, [module.Inputs], module.KeyColumns,
            (head, _) => transposed.Of($"{weight.Name}[keys of {head}]", head * headRows, module.KeyColumns))
        {
            Owners = module.Owners,
        });
        DeviceExperts values = backend.LoadExperts(new ExpertSources(
            module.Heads, [module.ValueColumns], module.Inputs,
            (head, _) => weight.Slice($"{weight.Name}[values of {head}]", (head * headRows) + module.KeyColumns, module.ValueColumns))
        {
            Owners = module.Owners,
        });
        loaded(weight);
        int first = targets[name] + 1;
        return (
            new ExpertLinear(keys, null, [new ExpertTargets(first, 0, module.Inputs)]),
            new ExpertLinear(values, null, [new ExpertTargets(first + module.Heads, 0, module.ValueColumns)]));
    }

    /// <summary>What rows choose, one object for each number of experts: a layer is done with it before the next one begins.</summary>
    public DeviceRoutes Routes(int experts, int chosen)
    {
        if (!_routes.TryGetValue((experts, chosen), out DeviceRoutes? routes))
        {
            routes = backend.CreateRoutes(experts, chosen);
            _routes.Add((experts, chosen), routes);
        }

        return routes;
    }

    /// <summary>What rows choose by their heads, one object for each number of heads.</summary>
    public DeviceRoutes HeadRoutes(Split heads)
    {
        if (!_headRoutes.TryGetValue(heads.Units, out DeviceRoutes? routes))
        {
            routes = backend.CreateHeadRoutes(heads);
            _headRoutes.Add(heads.Units, routes);
        }

        return routes;
    }

    /// <summary>The <paramref name="index"/>-th routed rows of a width.</summary>
    public DeviceRows RoutedRows(DeviceRoutes routes, int width, int index)
    {
        if (!_routedRows.TryGetValue((routes, width), out List<DeviceRows>? rows))
        {
            _routedRows.Add((routes, width), rows = []);
        }

        while (rows.Count <= index)
        {
            rows.Add(backend.CreateRoutedRows(routes, width));
        }

        return rows[index];
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

    /// <summary>The biases of all experts behind each other.</summary>
    private DeviceVector Bias(string name, ExpertModule module)
    {
        Partition partition = Partition.Inputs(module.Owners.With(module.Outputs));
        if (module.Storage != ExpertStorage.PerExpert)
        {
            return Vector(new VectorModule(name + module.StackedBias, module.Experts) { Partition = partition }, "");
        }

        var values = new float[module.Experts * module.Outputs];
        for (int i = 0; i < module.Experts * module.Parts; i++)
        {
            WeightSource own = source(name + module.Bias(i / module.Parts, i % module.Parts));
            own.Widened().CopyTo(values, i * module.PartOutputs);
            loaded(own);
        }

        return Vector($"{name}.{module.Parameter}", partition, values);
    }

    /// <summary>A bias is cut as the outputs are; that of a sum which shards have parts of is added to the whole sum.</summary>
    private static Partition? BiasOf(LinearModule module) =>
        module.Partition is { Axis: PartitionAxis.Rows } outputs ? Partition.Inputs(outputs.Splits) : null;

    private DeviceVector Vector(string tensor, Partition? partition, int target = WeightSource.NoTarget)
    {
        WeightSource weight = source(tensor) with { Partition = partition, Target = target };
        DeviceVector vector = backend.LoadVector(weight);
        loaded(weight);
        return vector;
    }

    /// <summary>Loads a vector that is not as it is stored.</summary>
    private DeviceVector Vector(
        string tensor, Partition? partition, Func<float[], float[]> change, int target = WeightSource.NoTarget)
    {
        WeightSource weight = source(tensor);
        DeviceVector vector = Vector(tensor, partition, change(weight.Widened()), target);
        loaded(weight);
        return vector;
    }

    private unsafe DeviceVector Vector(string name, Partition? partition, float[] values, int target = WeightSource.NoTarget)
    {
        fixed (float* data = values)
        {
            return backend.LoadVector(new WeightSource(name, WeightFormat.F32, (nint)data, 1, values.Length)
            {
                Stays = false,
                Partition = partition,
                Target = target,
            });
        }
    }
}
