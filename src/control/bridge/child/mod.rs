//! Children over stdio: started clean, read line by line, stopped with their whole process group, always reaped.
