using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// What a block loads its modules with. It holds the block to its declaration: what is loaded must be declared, and <see cref="Complete"/>
/// asks that everything declared was loaded, each module once.
/// </summary>
internal sealed class BlockLoader
{
    private readonly ModuleLoader _modules;
    private readonly string _prefix;
    private readonly HashSet<Module> _declared;
    private readonly int? _cacheLayer;
    private readonly int? _firstState;
    private readonly Dictionary<RowsKey, int> _rowsTaken = [];
    private readonly Dictionary<(DeviceRoutes Routes, int Width), int> _routedRowsTaken = [];

    /// <summary>Prepares the loading of one block.</summary>
    /// <param name="modules">What loads modules.</param>
    /// <param name="block">The block.</param>
    /// <param name="prefix">What stands before the names of its modules, such as <c>model.layers.0.</c></param>
    /// <param name="cacheLayer">Its index in <see cref="KvLayout.Layers"/>; null if it keeps no keys and values.</param>
    /// <param name="firstState">The index of its first state in <see cref="KvLayout.States"/>; null if it keeps none.</param>
    public BlockLoader(ModuleLoader modules, Block block, string prefix, int? cacheLayer, int? firstState)
    {
        _modules = modules;
        _prefix = prefix;
        _declared = [.. block.Modules];
        _cacheLayer = cacheLayer;
        _firstState = firstState;
    }

    /// <summary>The block's index in <see cref="KvLayout.Layers"/>.</summary>
    public int CacheLayer =>
        _cacheLayer ?? throw new InvalidOperationException("The block has not declared that it keeps keys and values.");

    /// <summary>The index of the block's first state in <see cref="KvLayout.States"/>; its others follow, in the declared order.</summary>
    public int FirstState =>
        _firstState ?? throw new InvalidOperationException("The block has not declared that it keeps a state of a sequence.");

    /// <summary>Loads modules that share their input; their outputs lie side by side in this order.</summary>
    public LinearGroup Group(params ReadOnlySpan<LinearModule> modules)
    {
        var parts = new LinearPart[modules.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = _modules.Linear(_prefix + Taken(modules[i]).Name, modules[i]);
        }

        return LinearGroup.Of([.. parts], modules[0].Partition);
    }

    /// <summary>Loads the weight of a norm of heads.</summary>
    public DeviceVector NormWeight(NormModule module) => _modules.NormWeight(_prefix + Taken(module).Name, module);

    /// <summary>Loads a norm of whole rows.</summary>
    public LoadedNorm Norm(NormModule module) => _modules.Norm(_prefix + Taken(module).Name, module);

    /// <summary>The decoder's inputs of their own for every layer, <c>[T, layers · p]</c>.</summary>
    public DeviceRows PerLayerInputs => _modules.PerLayerRows;

    /// <summary>Loads a convolution.</summary>
    /// <param name="module">Its declaration.</param>
    /// <param name="multiplier">What the inputs of each channel are multiplied by; null for nothing.</param>
    public ShortConvolution Convolution(ConvolutionModule module, Func<int, float>? multiplier = null) =>
        _modules.Convolution(_prefix + Taken(module).Name, module, multiplier);

    /// <summary>Loads the constants of a recurrence.</summary>
    /// <param name="shape">What it computes.</param>
    /// <param name="rate">The logarithms of how fast states decay.</param>
    /// <param name="bias">What is added to steps.</param>
    /// <param name="skip">What values are multiplied by that are added to the result; null for nothing.</param>
    public LoadedRecurrence Recurrence(Recurrence shape, VectorModule rate, VectorModule bias, VectorModule? skip) => new(
        shape, Vector(rate, MathF.Exp), Vector(bias), skip is null ? null : Vector(skip));

    /// <summary>Reads a number that is a setting of the layer.</summary>
    public float Number(NumberModule module) => _modules.Number(_prefix + Taken(module).Name);

    /// <summary>Loads a vector that is a tensor of its own.</summary>
    /// <param name="module">Its declaration.</param>
    /// <param name="change">What is made of every number; null for nothing.</param>
    public DeviceVector Vector(VectorModule module, Func<float, float>? change = null) =>
        _modules.Vector((VectorModule)Taken(module), _prefix, change);

    /// <summary>A vector of ones: the weight of a norm that has none.</summary>
    public DeviceVector Ones(int length) => _modules.Ones(length);

    /// <summary>Loads one product of every expert.</summary>
    public ExpertLinear Experts(ExpertModule module) => _modules.Experts(_prefix, (ExpertModule)Taken(module));

    /// <summary>Loads the product that makes keys and values of a latent, head by head.</summary>
    public (ExpertLinear Keys, ExpertLinear Values) Latent(LatentModule module) =>
        _modules.Latent(_prefix + Taken(module).Name, module);

    /// <summary>What rows choose by their heads: each row goes through every head.</summary>
    public DeviceRoutes HeadRoutes(Split heads) => _modules.HeadRoutes(heads);

    /// <summary>What rows choose; blocks with as many experts share it.</summary>
    public DeviceRoutes Routes(Routing routing) => _modules.Routes(routing.Experts, routing.Chosen);

    /// <summary>Routed rows for what the block computes between its input and its output; as <see cref="Rows(int)"/>.</summary>
    public DeviceRows RoutedRows(DeviceRoutes routes, int width)
    {
        int taken = _routedRowsTaken.GetValueOrDefault((routes, width));
        _routedRowsTaken[(routes, width)] = taken + 1;
        return _modules.RoutedRows(routes, width, taken);
    }

    /// <summary>A rotation; blocks with the same description share it.</summary>
    public DeviceRope Rope(RopeDescription rope) => _modules.Rope(rope);

    /// <summary>
    /// Rows <c>[T, width]</c> for what the block computes between its input and its output. All blocks share them: nothing stays in them
    /// from block to block.
    /// </summary>
    public DeviceRows Rows(int width) => Rows(new RowsKey(width, []));

    /// <summary>
    /// Such rows side by side of what shards share: a shard has its own columns of each, as it has those of the products that write and
    /// read them.
    /// </summary>
    public DeviceRows Rows(params ReadOnlySpan<Split> splits)
    {
        int width = 0;
        foreach (Split split in splits)
        {
            width += split.Columns;
        }

        return Rows(new RowsKey(width, [.. splits]));
    }

    /// <summary>Checks that every declared module has been loaded.</summary>
    public void Complete()
    {
        if (_declared.Count > 0)
        {
            throw new InvalidOperationException(
                $"Declared but not loaded: {string.Join(", ", _declared.Select(module => _prefix + module.Name))}.");
        }
    }

    private DeviceRows Rows(RowsKey key)
    {
        int taken = _rowsTaken.GetValueOrDefault(key);
        _rowsTaken[key] = taken + 1;
        return _modules.Rows(key, taken);
    }

    private Module Taken(Module module) => _declared.Remove(module)
        ? module
        : throw new InvalidOperationException($"{_prefix}{module.Name} is not declared by its block, or was loaded before.");
}
