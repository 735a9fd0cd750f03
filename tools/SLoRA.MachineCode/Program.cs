using SLoRA.MachineCode;

if (args is not [string folder] || !Directory.Exists(folder))
{
    Console.Error.WriteLine("usage: SLoRA.MachineCode FOLDER   writes the listings that src/SLoRA.Core/Backends/Cpu/MachineCode holds");
    return 2;
}

File.WriteAllText(Path.Combine(folder, Listings.WordProductFile), Listings.WordProduct());
return 0;
