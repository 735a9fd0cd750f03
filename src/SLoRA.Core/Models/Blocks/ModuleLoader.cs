using SLoRA.Backends;
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
    private readonly Dictionary<int, List<DeviceRows>> _rows = [];

    /// <summary>Loads a product.</summary>
    /// <param name="name">The module's full name.</param>
    /// <param name="module">Its declaration.</param>
    /// <param name="weightName">The module that its weight is stored under, if that is another.</param>
    public LinearPart Linear(string name, LinearModule module, string? weightName = null)
    {
        WeightSource weight = source((weightName ?? name) + ".weight");
        DeviceMatrix matrix = backend.LoadMatrix(weight);
        loaded(weight);
        return new LinearPart(matrix, module.HasBias ? Vector(name + ".bias") : null, targets[name]);
    }

    /// <summary>Loads an embedding table.</summary>
    public DeviceTable Table(string name)
    {
        WeightSource weight = source(name + ".weight");
        DeviceTable table = backend.LoadTable(weight);
        loaded(weight);
        return table;
    }

    /// <summary>Loads the weight of a norm.</summary>
    public DeviceVector Norm(string name) => Vector(name + ".weight", targets[name]);

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

    /// <summary>The <paramref name="index"/>-th rows of a width.</summary>
    public DeviceRows Rows(int width, int index)
    {
        if (!_rows.TryGetValue(width, out List<DeviceRows>? rows))
        {
            _rows.Add(width, rows = []);
        }

        while (rows.Count <= index)
        {
            rows.Add(backend.CreateRows(RowSet.Step, width));
        }

        return rows[index];
    }

    private DeviceVector Vector(string tensor, int target = WeightSource.NoTarget)
    {
        WeightSource weight = source(tensor) with { Target = target };
        DeviceVector vector = backend.LoadVector(weight);
        loaded(weight);
        return vector;
    }
}
