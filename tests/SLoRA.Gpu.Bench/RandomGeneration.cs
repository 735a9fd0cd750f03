using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// Adapters with random weights, laid out by the library's own planner and written to pages: in the pool of one backend, or the same in
/// several.
/// </summary>
internal sealed class RandomGeneration(long pageBytes, Queue<int> freePages, params IPageMemory[] pools)
{
    private readonly Dictionary<TensorType, RandomElements> _elements = [];
    private int _made;

    /// <summary>A module of an adapter.</summary>
    /// <param name="Target">The module of the model.</param>
    /// <param name="Rank">Its rank.</param>
    /// <param name="Scale">What multiplies its delta.</param>
    /// <param name="A">Type of A.</param>
    /// <param name="B">Type of B.</param>
    public readonly record struct Module(TargetModule Target, int Rank, float Scale, TensorType A, TensorType B);

    /// <summary>Where the tiles of such an adapter lie in pages of its own.</summary>
    public static TileDirectory Plan(int targets, IEnumerable<Module> modules, long pageBytes) => TilePlanner.Plan(
        modules.Select(module => new AdapterModule(
            module.Target, module.Rank, module.Scale, Tensor("A", module.A, module.Rank, module.Target.InFeatures),
            Tensor("B", module.B, module.Target.OutFeatures, module.Rank))).ToImmutableArray(),
        targets,
        pageBytes,
        AdapterWeightType.AsStored,
        TensorType.F32);

    /// <summary>Makes one.</summary>
    /// <param name="targets">How many modules the model has.</param>
    /// <param name="modules">Those that the adapter changes.</param>
    public ResidentAdapter Create(int targets, IEnumerable<Module> modules)
    {
        TileDirectory directory = Plan(targets, modules, pageBytes);
        int[] pages = [.. Enumerable.Range(0, directory.PageCount).Select(_ => freePages.Dequeue())];
        _made++;
        foreach (ModuleTiles? module in directory.Modules)
        {
            Fill(module?.A, pages);
            Fill(module?.B, pages);
        }

        return new ResidentAdapter(directory, pages);
    }

    private static TensorEntry Tensor(string name, TensorType type, int rows, int columns) =>
        new(name, type, [rows, columns], 0, (long)rows * columns * type.ElementSize());

    private void Fill(MatrixTiles? matrix, int[] pages)
    {
        if (matrix is null)
        {
            return;
        }

        if (!_elements.TryGetValue(matrix.Type, out RandomElements? elements))
        {
            elements = new RandomElements(matrix.Type, seed: 7);
            _elements.Add(matrix.Type, elements);
        }

        foreach (Tile tile in matrix.Tiles)
        {
            var bytes = new byte[tile.Rows * tile.Columns * matrix.Type.ElementSize()];
            elements.Fill(bytes, 64 * ((tile.Page * 31) + tile.FirstRow + (_made * 1009)));
            foreach (IPageMemory pool in pools)
            {
                pool.Write(pages[tile.Page], tile.Offset, bytes);
            }
        }
    }
}
